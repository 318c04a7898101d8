"""The ledger belongs to accounts, and a ledger row to its change; the shared cache's table."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("history", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE change ADD CONSTRAINT change_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE change DROP CONSTRAINT change_account",
        ),
        migrations.RunSQL(
            "ALTER TABLE contact_change ADD CONSTRAINT contact_change_change "
            "FOREIGN KEY (account_id, change_id) REFERENCES change (account_id, id) "
            "ON DELETE CASCADE",
            "ALTER TABLE contact_change DROP CONSTRAINT contact_change_change",
        ),
        migrations.RunSQL(
            "CREATE TABLE cache_entry (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, "
            "expires timestamptz NOT NULL);"
            "CREATE INDEX cache_entry_expires ON cache_entry (expires)",
            "DROP TABLE cache_entry",
        ),
    ]
