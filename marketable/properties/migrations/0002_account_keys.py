"""Property definitions belong to accounts."""

from django.db import migrations

TABLES = ["property", "property_group", "unique_value"]


class Migration(migrations.Migration):
    dependencies = [("properties", "0001_initial"), ("accounts", "0002_account_keys")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_account",
        )
        for table in TABLES
    ]
