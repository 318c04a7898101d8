"""Saved views of the contacts table, whom they are shared with, and what a person's page opens
with."""

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models.functions import Lower

from marketable.history.models import NextId


def _key(*fields: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(
        *fields, blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    dependencies = [("segments", "0001_segments")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE saved_view_id_seq", "DROP SEQUENCE saved_view_id_seq"),
        migrations.CreateModel(
            name="SavedViewRow",
            fields=[
                ("pk", _key("account_id", "id")),
                ("account_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(db_default=NextId("saved_view_id_seq"))),
                ("owner_id", models.BigIntegerField()),
                ("name", models.TextField()),
                ("sharing", models.CharField(max_length=8)),
                ("state", models.JSONField(default=dict)),
                (
                    "segment_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("version", models.IntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "saved_view",
                "constraints": [
                    models.UniqueConstraint(
                        "account_id",
                        "owner_id",
                        Lower("name"),
                        condition=models.Q(deleted_at__isnull=True),
                        name="saved_view_named_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedViewPerson",
            fields=[
                ("pk", _key("account_id", "view_id", "user_id")),
                ("account_id", models.BigIntegerField()),
                ("view_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
            ],
            options={"db_table": "saved_view_person"},
        ),
        migrations.CreateModel(
            name="DefaultView",
            fields=[
                ("pk", _key("account_id", "user_id")),
                ("account_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("view_id", models.BigIntegerField()),
            ],
            options={"db_table": "default_view"},
        ),
    ]
