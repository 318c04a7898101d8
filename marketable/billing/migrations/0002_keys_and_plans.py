"""Foreign keys to composite keys, and the plans that are shipped (T2, E8)."""

from typing import Any

from django.db import migrations

EVERYBODY = ["contacts", "views", "lists", "import", "export", "forms", "chatflows", "api"]
PAYING = [*EVERYBODY, "marketing_contacts", "alerts", "plan_preview", "ceiling"]
LARGE = [*PAYING, "workflows", "governance", "teams", "own_roles"]
PLANS = [
    ("free", "Free", 0, 0, EVERYBODY),
    ("starter", "Starter", 1_000, 1_000, PAYING),
    ("professional", "Professional", 2_000, 5_000, LARGE),
    ("enterprise", "Enterprise", 10_000, 10_000, LARGE),
]


def add_plans(apps: Any, schema_editor: Any) -> None:
    plan = apps.get_model("billing", "Plan")
    for rank, (code, name, included, step, features) in enumerate(PLANS):
        plan.objects.create(
            code=code, name=name, included=included, step=step, features=features, rank=rank
        )


TABLES = ["subscription", "contract", "account_usage", "reservation", "usage_day", "tier_change"]


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0002_account_keys")]

    operations = [
        *[
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_account "
                "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
                f"ALTER TABLE {table} DROP CONSTRAINT {table}_account",
            )
            for table in TABLES
        ],
        migrations.RunSQL(
            "ALTER TABLE contract ADD CONSTRAINT contract_plan "
            "FOREIGN KEY (plan_code) REFERENCES plan",
            "ALTER TABLE contract DROP CONSTRAINT contract_plan",
        ),
        migrations.RunPython(add_plans, migrations.RunPython.noop),
    ]
