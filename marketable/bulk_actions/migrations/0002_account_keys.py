"""Bulk actions and plans belong to accounts, batches and reservations to their action."""

from django.db import migrations


def foreign_key(table: str, name: str, columns: str, target: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) "
        f"REFERENCES {target} ON DELETE CASCADE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("bulk_actions", "0001_initial"),
        ("accounts", "0002_account_keys"),
        ("billing", "0002_keys_and_plans"),
    ]

    operations = [
        foreign_key("bulk_action", "bulk_action_account", "account_id", "account"),
        foreign_key("plan_preview", "plan_preview_account", "account_id", "account"),
        foreign_key(
            "bulk_action_batch",
            "bulk_action_batch_action",
            "account_id, bulk_action_id",
            "bulk_action (account_id, id)",
        ),
    ]
