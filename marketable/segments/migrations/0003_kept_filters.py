"""Filters that are too long for an address, kept under a key."""

from django.db import migrations, models

from marketable.history.models import NextId


class Migration(migrations.Migration):
    dependencies = [("segments", "0002_saved_views")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE kept_filter_used_seq", "DROP SEQUENCE kept_filter_used_seq"
        ),
        migrations.CreateModel(
            name="KeptFilter",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=33)),
                ("written", models.TextField()),
                ("used", models.BigIntegerField(db_default=NextId("kept_filter_used_seq"))),
            ],
            options={
                "db_table": "kept_filter",
                "indexes": [models.Index(fields=["account_id", "used"], name="kept_filter_used")],
            },
        ),
    ]
