"""Marketing is a row: a contact is a marketing contact exactly while it has one here."""

from django.db import models


class MarketingContact(models.Model):
    """Narrow on purpose: counting is counting rows, and staging rewrites nothing wide."""

    pk = models.CompositePrimaryKey("account_id", "contact_id")
    account_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    since = models.DateTimeField()
    source_type = models.TextField()
    source_id = models.TextField()
    change_id = models.BigIntegerField()
    leaving_on = models.DateField(null=True)  # staged: counts until that update date

    class Meta:
        db_table = "marketing_contact"
        indexes = [
            models.Index(
                fields=["account_id", "leaving_on", "contact_id"],
                name="marketing_contact_leaving",
                condition=models.Q(leaving_on__isnull=False),
            ),
        ]
