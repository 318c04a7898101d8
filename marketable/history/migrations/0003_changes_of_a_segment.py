"""Find what was done to one segment without reading the ledger."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("history", "0002_ledger_is_summarised")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX change_of_segment ON change (account_id, (body->>'segment_id'), id) "
            "WHERE kind = 'segment_changed'",
            "DROP INDEX change_of_segment",
        )
    ]
