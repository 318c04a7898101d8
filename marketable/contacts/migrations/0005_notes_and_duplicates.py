"""Notes on contacts, and pairs of contacts that may be one person."""

from django.db import migrations, models

from marketable.history.models import NextId


def _key(*fields: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(
        *fields, blank=True, editable=False, primary_key=True, serialize=False
    )


def _belongs_to_contact(table: str, column: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column} "
        f"FOREIGN KEY (account_id, {column}) REFERENCES contact (account_id, id) "
        "ON DELETE CASCADE",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}",
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_served_sorts")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE contact_note_id_seq", "DROP SEQUENCE contact_note_id_seq"
        ),
        migrations.CreateModel(
            name="ContactNote",
            fields=[
                ("pk", _key("account_id", "id")),
                ("account_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(db_default=NextId("contact_note_id_seq"))),
                ("contact_id", models.BigIntegerField()),
                ("text", models.TextField()),
                ("author_id", models.TextField()),
                ("author_label", models.TextField()),
                ("written_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "contact_note",
                "indexes": [
                    models.Index(fields=["account_id", "contact_id", "id"], name="note_of_contact"),
                    models.Index(
                        fields=["deleted_at"],
                        name="note_deleted",
                        condition=models.Q(deleted_at__isnull=False),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicatePair",
            fields=[
                ("pk", _key("account_id", "first_id", "second_id")),
                ("account_id", models.BigIntegerField()),
                ("first_id", models.BigIntegerField()),
                ("second_id", models.BigIntegerField()),
                ("reason", models.CharField(max_length=16)),
                ("found_at", models.DateTimeField()),
                ("dismissed_at", models.DateTimeField(null=True)),
                ("dismissed_by", models.TextField(default="")),
            ],
            options={
                "db_table": "duplicate_pair",
                "indexes": [
                    models.Index(
                        fields=["account_id", "second_id"], name="duplicate_pair_by_second"
                    ),
                ],
            },
        ),
        _belongs_to_contact("contact_note", "contact_id"),
        _belongs_to_contact("duplicate_pair", "first_id"),
        _belongs_to_contact("duplicate_pair", "second_id"),
    ]
