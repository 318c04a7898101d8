"""Properties that are marked indexed."""

from django.db import migrations, models

import marketable.history.models


class Migration(migrations.Migration):
    dependencies = [("properties", "0002_account_keys")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE property_index_id_seq", "DROP SEQUENCE property_index_id_seq"
        ),
        migrations.CreateModel(
            name="PropertyIndex",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "id",
                    models.BigIntegerField(
                        db_default=marketable.history.models.NextId("property_index_id_seq"),
                        unique=True,
                    ),
                ),
                ("state", models.CharField(max_length=16)),
                ("problem", models.CharField(default="", max_length=5)),
                ("asked_at", models.DateTimeField()),
                ("ready_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "property_index"},
        ),
        migrations.RunSQL(
            "ALTER TABLE property_index ADD CONSTRAINT property_index_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE property_index DROP CONSTRAINT property_index_account",
        ),
    ]
