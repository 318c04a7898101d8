"""Rows of a checked file as a person mended them on the page, and those left out."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0004_progress_by_lines")]

    operations = [
        # `cells` is a JSON list of the whole row as ASCII text, so that bytes which are no text
        # stay what they are; an empty list leaves the row out.
        migrations.RunSQL(
            "CREATE TABLE import_mend (account_id bigint NOT NULL, import_id bigint NOT NULL, "
            "line integer NOT NULL, cells text NOT NULL, "
            "PRIMARY KEY (account_id, import_id, line), "
            "FOREIGN KEY (account_id, import_id) REFERENCES import_run (account_id, id) "
            "ON DELETE CASCADE)",
            "DROP TABLE import_mend",
        ),
    ]
