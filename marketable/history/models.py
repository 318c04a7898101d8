"""The ledger: one `change` per write, one narrow `contact_change` per contact it altered."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Func, Value


class NextId(Func):
    """The next number of a sequence, as a column default."""

    function = "nextval"

    def __init__(self, sequence: str) -> None:
        super().__init__(Value(sequence), output_field=models.BigIntegerField())


class Xid(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction number, `xid8`."""

    def db_type(self, connection: object) -> str:
        return "xid8"


class Change(models.Model):
    """Who did what, by which tool, why and when (L1). Written once, never rewritten (L4).

    `id` rises with gaps and not in the order of commits; readers that must miss nothing follow
    (`xid`, `id`), see `history/queries.py`.
    """

    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("change_id_seq"))
    xid = Xid(db_default=Func(function="pg_current_xact_id", output_field=Xid()))
    at = models.DateTimeField()
    kind = models.TextField()
    actor_type = models.TextField()  # user, token, command, system
    actor_id = models.TextField()
    actor_label = models.TextField()
    source_type = models.TextField()  # H2
    source_id = models.TextField()
    source_label = models.TextField()
    bulk_action_id = models.BigIntegerField(null=True)
    body = models.JSONField(default=dict)
    contact_count = models.IntegerField(default=0)
    marketing_delta = models.IntegerField(default=0)
    effective_on = models.DateField(null=True)
    reverts_id = models.BigIntegerField(null=True)
    reason = models.TextField(default="")

    class Meta:
        db_table = "change"
        indexes = [
            models.Index(fields=["xid", "id"], name="change_in_order"),
            models.Index(
                fields=["account_id", "bulk_action_id"],
                name="change_of_bulk_action",
                condition=models.Q(bulk_action_id__isnull=False),
            ),
            models.Index(fields=["account_id", "at"], name="change_by_time"),
        ]


class ContactChange(models.Model):
    """What one change did to one contact: only what differs, before and after."""

    pk = models.CompositePrimaryKey("account_id", "contact_id", "change_id")
    account_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    change_id = models.BigIntegerField()
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        db_table = "contact_change"
        indexes = [
            BrinIndex(fields=["change_id"], name="contact_change_by_change", autosummarize=True)
        ]
