"""One action over many contacts: plan, frozen members, progress, outcomes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from marketable.history.models import NextId


class PlanRow(models.Model):
    """What was announced to a person or program, for one hour and one apply (B5)."""

    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.UUIDField()
    created_at = models.DateTimeField()
    actor_id = models.TextField()
    action = models.CharField(max_length=16)
    selection = models.JSONField()
    work = models.JSONField(default=dict, db_default={})
    answer = models.JSONField()
    bulk_action_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "plan_preview"


class BulkAction(models.Model):
    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("bulk_action_id_seq"))
    kind = models.CharField(max_length=16)  # an ActionKind
    state = models.CharField(max_length=16)
    source = models.JSONField()  # who asked, by which tool
    selection = models.JSONField()
    work = models.JSONField(
        default=dict, db_default={}
    )  # what is done, where the kind leaves it open
    answer = models.JSONField()  # the plan as it was confirmed
    total = models.IntegerField()  # contacts to be updated
    done = models.IntegerField(default=0)
    outcomes = models.JSONField(default=dict)  # outcome → count
    change_id = models.BigIntegerField(null=True)  # the first batch's
    reverts_id = models.BigIntegerField(null=True)  # the bulk action that this one takes back
    error = models.TextField(default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "bulk_action"
        indexes = [models.Index(fields=["account_id", "created_at"], name="bulk_action_by_time")]


class Batch(models.Model):
    """Frozen members, 20,000 or so a row. `outcome` is empty for those still to be done in this
    batch; a reason such as NO_ADDRESS marks rows that are kept only to be shown."""

    pk = models.CompositePrimaryKey("account_id", "bulk_action_id", "number")
    account_id = models.BigIntegerField()
    bulk_action_id = models.BigIntegerField()
    number = models.IntegerField()
    contact_ids = ArrayField(models.BigIntegerField())
    outcome = models.CharField(max_length=32, default="")
    change_id = models.BigIntegerField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "bulk_action_batch"


class Cancelling(models.Model):
    """A wish to stop, in a row of its own: whoever asks does not wait for the batch under way."""

    pk = models.CompositePrimaryKey("account_id", "bulk_action_id")
    account_id = models.BigIntegerField()
    bulk_action_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "bulk_action_cancelling"
