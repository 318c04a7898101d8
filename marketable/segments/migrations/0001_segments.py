"""Segments, who is in them and was, and how far the ledger has been read for them."""

import django.contrib.postgres.fields
from django.db import migrations, models

import marketable.history.models
from marketable.history.models import NextId


def _key(*fields: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(
        *fields, blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0002_account_keys")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE segment_id_seq", "DROP SEQUENCE segment_id_seq"),
        migrations.RunSQL(
            "CREATE SEQUENCE segment_past_member_id_seq CACHE 100",
            "DROP SEQUENCE segment_past_member_id_seq",
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("pk", _key("account_id", "id")),
                ("account_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(db_default=NextId("segment_id_seq"))),
                ("name", models.TextField()),
                ("kind", models.CharField(max_length=8)),
                ("filter", models.JSONField(null=True)),
                (
                    "mentions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("is_timed", models.BooleanField(default=False)),
                ("state", models.CharField(max_length=16)),
                ("problem", models.TextField(default="")),
                ("member_count", models.IntegerField(default=0)),
                ("created_by", models.TextField(default="")),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "segment",
                "indexes": [
                    models.Index(fields=["account_id", "deleted_at"], name="segment_deleted")
                ],
            },
        ),
        migrations.CreateModel(
            name="SegmentMember",
            fields=[
                ("pk", _key("account_id", "segment_id", "contact_id")),
                ("account_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
                ("contact_id", models.BigIntegerField()),
                ("since", models.DateTimeField()),
            ],
            options={
                "db_table": "segment_member",
                "indexes": [
                    models.Index(fields=["account_id", "contact_id"], name="segment_of_contact")
                ],
            },
        ),
        migrations.CreateModel(
            name="SegmentPastMember",
            fields=[
                ("pk", _key("account_id", "segment_id", "id")),
                ("account_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(db_default=NextId("segment_past_member_id_seq"))),
                ("contact_id", models.BigIntegerField()),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField()),
            ],
            options={
                "db_table": "segment_past_member",
                "indexes": [
                    models.Index(
                        fields=["account_id", "contact_id"], name="segment_past_of_contact"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SegmentDay",
            fields=[
                ("pk", _key("account_id", "segment_id", "day")),
                ("account_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("member_count", models.IntegerField()),
                ("joined", models.IntegerField(default=0)),
                ("left", models.IntegerField(default=0)),
            ],
            options={"db_table": "segment_day"},
        ),
        migrations.CreateModel(
            name="SegmentDue",
            fields=[
                ("pk", _key("account_id", "segment_id", "contact_id")),
                ("account_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
                ("contact_id", models.BigIntegerField()),
                ("due_on", models.DateField()),
            ],
            options={
                "db_table": "segment_due",
                "indexes": [
                    models.Index(fields=["account_id", "due_on"], name="segment_due_by_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerReader",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("xid", marketable.history.models.Xid()),
                ("change_id", models.BigIntegerField()),
            ],
            options={"db_table": "ledger_reader"},
        ),
        migrations.RunSQL(
            "ALTER TABLE segment ADD CONSTRAINT segment_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE segment DROP CONSTRAINT segment_account",
        ),
        migrations.RunSQL(
            "ALTER TABLE segment_day ADD CONSTRAINT segment_day_segment "
            "FOREIGN KEY (account_id, segment_id) REFERENCES segment (account_id, id) "
            "ON DELETE CASCADE",
            "ALTER TABLE segment_day DROP CONSTRAINT segment_day_segment",
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX segment_name ON segment (account_id, lower(name)) "
            "WHERE deleted_at IS NULL",
            "DROP INDEX segment_name",
        ),
        migrations.RunSQL(
            "ALTER TABLE segment ADD CONSTRAINT segment_is_whole CHECK "
            "((kind = 'active') = (filter IS NOT NULL) AND member_count >= 0)",
            "ALTER TABLE segment DROP CONSTRAINT segment_is_whole",
        ),
        # Segments are built of what is there; only what comes later has to be read.
        migrations.RunSQL(
            "INSERT INTO ledger_reader (name, xid, change_id) "
            "VALUES ('segments', pg_snapshot_xmin(pg_current_snapshot()), 0)",
            "DELETE FROM ledger_reader WHERE name = 'segments'",
        ),
    ]
