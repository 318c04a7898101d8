"""Keep frozen numbers as they are: compressing them takes longer than writing them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bulk_actions", "0002_account_keys")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE bulk_action_batch ALTER contact_ids SET STORAGE EXTERNAL",
            "ALTER TABLE bulk_action_batch ALTER contact_ids SET STORAGE EXTENDED",
        ),
    ]
