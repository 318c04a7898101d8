"""Indexes for the orders that the contacts table offers at any size (docs/decisions/0007)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_merged_contacts_are_found")]

    operations = [
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["account_id", "updated_at", "id"], name="contact_by_update"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("email__isnull", True)),
                fields=["account_id", "id"],
                name="contact_without_email",
            ),
        ),
    ]
