"""What an action other than on the status is asked to do, and a row of its own to stop it by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bulk_actions", "0003_frozen_numbers_uncompressed")]

    operations = [
        migrations.AddField(
            model_name="bulkaction",
            name="work",
            field=models.JSONField(default=dict, db_default={}),
        ),
        migrations.AddField(
            model_name="planrow", name="work", field=models.JSONField(default=dict, db_default={})
        ),
        migrations.CreateModel(
            name="Cancelling",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "bulk_action_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("bulk_action_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "bulk_action_cancelling"},
        ),
        migrations.RunSQL(
            "ALTER TABLE bulk_action_cancelling ADD CONSTRAINT bulk_action_cancelling_action "
            "FOREIGN KEY (account_id, bulk_action_id) REFERENCES bulk_action (account_id, id) "
            "ON DELETE CASCADE",
            "ALTER TABLE bulk_action_cancelling DROP CONSTRAINT bulk_action_cancelling_action",
        ),
    ]
