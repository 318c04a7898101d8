"""Let new pages of the ledger be summarised soon, or a look for one change reads all of them."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations

NEW = BrinIndex(fields=["change_id"], name="contact_change_by_change", autosummarize=True)


class Migration(migrations.Migration):
    dependencies = [("history", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX contact_change_by_change SET (autosummarize = on)",
                    "ALTER INDEX contact_change_by_change RESET (autosummarize)",
                )
            ],
            state_operations=[
                migrations.RemoveIndex(model_name="contactchange", name=NEW.name),
                migrations.AddIndex(model_name="contactchange", index=NEW),
            ],
        )
    ]
