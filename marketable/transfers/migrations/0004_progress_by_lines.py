"""How far a file has been read, and values of unique properties as they are compared."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0003_staged_rows")]

    operations = [
        migrations.AddField(
            model_name="importrun", name="reached_line", field=models.IntegerField(default=0)
        ),
        migrations.RemoveField(model_name="importrun", name="bulk_action_id"),
        # Property → value, case-folded, of those that no two contacts may share.
        migrations.RunSQL(
            "ALTER TABLE import_row ADD COLUMN keys jsonb",
            "ALTER TABLE import_row DROP COLUMN keys",
        ),
    ]
