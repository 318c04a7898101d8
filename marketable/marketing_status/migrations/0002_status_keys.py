"""No status row without its contact, its account and its change; no leaving before the start."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("marketing_status", "0001_initial"),
        ("contacts", "0002_contact_keys"),
        ("history", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE marketing_contact ADD CONSTRAINT marketing_contact_contact "
            "FOREIGN KEY (account_id, contact_id) REFERENCES contact (account_id, id) "
            "ON DELETE CASCADE",
            "ALTER TABLE marketing_contact DROP CONSTRAINT marketing_contact_contact",
        ),
        # The account's date may be a day behind UTC's, never ahead of the leaving date.
        migrations.RunSQL(
            "ALTER TABLE marketing_contact ADD CONSTRAINT marketing_contact_leaves_after_start "
            "CHECK (leaving_on >= (since AT TIME ZONE 'UTC')::date)",
            "ALTER TABLE marketing_contact DROP CONSTRAINT marketing_contact_leaves_after_start",
        ),
    ]
