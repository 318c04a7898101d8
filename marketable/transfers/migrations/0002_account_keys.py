"""Imports belong to accounts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_initial"), ("accounts", "0002_account_keys")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE import_run ADD CONSTRAINT import_run_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE import_run DROP CONSTRAINT import_run_account",
        )
    ]
