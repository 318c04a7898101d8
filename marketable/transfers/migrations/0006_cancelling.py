"""A row of its own to stop an import by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0005_mended_rows")]

    operations = [
        migrations.CreateModel(
            name="Cancelling",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "import_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("import_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "import_cancelling"},
        ),
        migrations.RunSQL(
            "ALTER TABLE import_cancelling ADD CONSTRAINT import_cancelling_run "
            "FOREIGN KEY (account_id, import_id) REFERENCES import_run (account_id, id) "
            "ON DELETE CASCADE",
            "ALTER TABLE import_cancelling DROP CONSTRAINT import_cancelling_run",
        ),
    ]
