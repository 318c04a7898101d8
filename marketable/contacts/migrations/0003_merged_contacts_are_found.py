"""What was merged into a contact is found without reading the table: erasing takes it along."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_contact_keys")]

    operations = [
        migrations.AddIndex(
            "contact",
            models.Index(
                fields=["account_id", "merged_into"],
                name="contact_merged",
                condition=models.Q(merged_into__isnull=False),
            ),
        ),
    ]
