"""Segments: named sets of contacts, by a filter or by hand, and who is in them since when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from marketable.history.models import NextId, Xid


class Segment(models.Model):
    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("segment_id_seq"))
    name = models.TextField()
    kind = models.CharField(max_length=8)  # active, fixed
    filter = models.JSONField(null=True)  # of an active one, as it was written
    mentions = ArrayField(models.TextField(), default=list)  # what a change must touch to move one
    is_timed = models.BooleanField(default=False)  # whether time alone can move a contact
    state = models.CharField(max_length=16)  # building, ready, needs_attention
    problem = models.TextField(default="")  # a stored refusal: what needs attention
    member_count = models.IntegerField(default=0)
    created_by = models.TextField(default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "segment"
        indexes = [models.Index(fields=["account_id", "deleted_at"], name="segment_deleted")]


class SegmentMember(models.Model):
    """Who is in it now. Kept narrow, without keys to other tables: hundreds of thousands are
    written at once, contacts are never removed, and a segment's rows go with it."""

    pk = models.CompositePrimaryKey("account_id", "segment_id", "contact_id")
    account_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "segment_member"
        indexes = [models.Index(fields=["account_id", "contact_id"], name="segment_of_contact")]


class SegmentPastMember(models.Model):
    """Who was in it, from when until when."""

    pk = models.CompositePrimaryKey("account_id", "segment_id", "id")
    account_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("segment_past_member_id_seq"))
    contact_id = models.BigIntegerField()
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField()

    class Meta:
        db_table = "segment_past_member"
        indexes = [
            models.Index(fields=["account_id", "contact_id"], name="segment_past_of_contact")
        ]


class SegmentDay(models.Model):
    """How many were in it at the end of a day of the account, and how many came and went."""

    pk = models.CompositePrimaryKey("account_id", "segment_id", "day")
    account_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    day = models.DateField()
    member_count = models.IntegerField()
    joined = models.IntegerField(default=0)
    left = models.IntegerField(default=0)

    class Meta:
        db_table = "segment_day"


class SegmentDue(models.Model):
    """The next day of the account on which time alone could move a contact in or out."""

    pk = models.CompositePrimaryKey("account_id", "segment_id", "contact_id")
    account_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    due_on = models.DateField()

    class Meta:
        db_table = "segment_due"
        indexes = [models.Index(fields=["account_id", "due_on"], name="segment_due_by_day")]


class LedgerReader(models.Model):
    """How far a reader of the ledger has come."""

    name = models.TextField(primary_key=True)
    xid = Xid()
    change_id = models.BigIntegerField()

    class Meta:
        db_table = "ledger_reader"


class KeptFilter(models.Model):
    """A filter that is too long for an address, which names it by its key."""

    pk = models.CompositePrimaryKey("account_id", "key")
    account_id = models.BigIntegerField()
    key = models.CharField(max_length=33)
    written = models.TextField()  # compact JSON
    used = models.BigIntegerField(db_default=NextId("kept_filter_used_seq"))  # the last is highest

    class Meta:
        db_table = "kept_filter"
        indexes = [models.Index(fields=["account_id", "used"], name="kept_filter_used")]


class SavedViewRow(models.Model):
    """A view of the contacts table under a name."""

    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("saved_view_id_seq"))
    owner_id = models.BigIntegerField()
    name = models.TextField()
    sharing = models.CharField(max_length=8)  # private, people, account
    state = models.JSONField(default=dict)  # parameters of the page's address, without the page
    segment_ids = ArrayField(models.BigIntegerField(), default=list)  # those it names
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "saved_view"
        constraints = [
            models.UniqueConstraint(
                "account_id",
                "owner_id",
                Lower("name"),
                condition=models.Q(deleted_at__isnull=True),
                name="saved_view_named_once",
            ),
        ]


class SavedViewPerson(models.Model):
    """Somebody whom a view is shared with by name."""

    pk = models.CompositePrimaryKey("account_id", "view_id", "user_id")
    account_id = models.BigIntegerField()
    view_id = models.BigIntegerField()
    user_id = models.BigIntegerField()

    class Meta:
        db_table = "saved_view_person"


class DefaultView(models.Model):
    """What a person's contacts page opens with; without a row, all contacts."""

    pk = models.CompositePrimaryKey("account_id", "user_id")
    account_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    view_id = models.BigIntegerField()

    class Meta:
        db_table = "default_view"
