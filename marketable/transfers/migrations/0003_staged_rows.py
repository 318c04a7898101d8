"""Rows of a file, typed and waiting, and those that cannot be taken, with the reason."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0002_account_keys"),
        ("contacts", "0002_contact_keys"),
    ]

    operations = [
        # `always` overwrites, `if_empty` fills what is missing, `only_new` is for new contacts.
        migrations.RunSQL(
            "CREATE TABLE import_row (account_id bigint NOT NULL, import_id bigint NOT NULL, "
            'line integer NOT NULL, email text COLLATE "C", name_key text NOT NULL, '
            "always jsonb, if_empty jsonb, only_new jsonb, words text NOT NULL, "
            "PRIMARY KEY (account_id, import_id, line), "
            "FOREIGN KEY (account_id, import_id) REFERENCES import_run (account_id, id) "
            "ON DELETE CASCADE)",
            "DROP TABLE import_row",
        ),
        migrations.RunSQL(
            "CREATE TABLE import_failure (account_id bigint NOT NULL, import_id bigint NOT NULL, "
            "line integer NOT NULL, code text NOT NULL, field text NOT NULL, "
            "PRIMARY KEY (account_id, import_id, line), "
            "FOREIGN KEY (account_id, import_id) REFERENCES import_run (account_id, id) "
            "ON DELETE CASCADE)",
            "DROP TABLE import_failure",
        ),
    ]
