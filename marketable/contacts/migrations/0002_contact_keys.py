"""Foreign keys between composite keys, and the index that search reads."""

from django.db import migrations

TABLES = ["contact_address", "contact_search"]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial"), ("accounts", "0002_account_keys")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE contact ADD CONSTRAINT contact_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE contact DROP CONSTRAINT contact_account",
        ),
        migrations.RunSQL(
            "ALTER TABLE blocked_address ADD CONSTRAINT blocked_address_account "
            "FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE",
            "ALTER TABLE blocked_address DROP CONSTRAINT blocked_address_account",
        ),
        *[
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_contact "
                "FOREIGN KEY (account_id, contact_id) REFERENCES contact (account_id, id) "
                "ON DELETE CASCADE",
                f"ALTER TABLE {table} DROP CONSTRAINT {table}_contact",
            )
            for table in TABLES
        ],
        migrations.RunSQL(
            "CREATE INDEX contact_search_words ON contact_search USING gin (words) "
            "WITH (fastupdate = on, gin_pending_list_limit = 16384)",
            "DROP INDEX contact_search_words",
        ),
    ]
