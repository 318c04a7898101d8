"""Contacts, their addresses and the words they are found by."""

from django.db import models

from marketable.history.models import NextId


class TsVector(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's sorted list of lexemes, without weights or positions."""

    def db_type(self, connection: object) -> str:
        return "tsvector"


class Contact(models.Model):
    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("contact_id_seq"))
    email = models.TextField(null=True)  # the primary address, normalised (J9)
    name_key = models.TextField(db_collation="C", default="")  # sorts by name in any locale
    properties = models.JSONField(default=dict)  # every other value, as typed JSON
    version = models.IntegerField(default=1)  # optimistic locking on edit
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    merged_into = models.BigIntegerField(null=True)

    class Meta:
        db_table = "contact"
        indexes = [
            models.Index(fields=["account_id", "name_key", "id"], name="contact_by_name"),
            models.Index(fields=["account_id", "updated_at", "id"], name="contact_by_update"),
            models.Index(
                fields=["account_id", "id"],
                name="contact_without_email",
                condition=models.Q(email__isnull=True),
            ),
            models.Index(
                fields=["account_id", "archived_at"],
                name="contact_archived",
                condition=models.Q(archived_at__isnull=False),
            ),
            models.Index(
                fields=["account_id", "merged_into"],
                name="contact_merged",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]


class ContactAddress(models.Model):
    """Every address of a contact; one live owner each (S18). Archived owners stay findable."""

    pk = models.CompositePrimaryKey("account_id", "address", "contact_id")
    account_id = models.BigIntegerField()
    address = models.TextField(db_collation="C")
    contact_id = models.BigIntegerField()
    is_primary = models.BooleanField(default=True)
    is_live = models.BooleanField(default=True)

    class Meta:
        db_table = "contact_address"
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "address"],
                condition=models.Q(is_live=True),
                name="contact_address_one_live_owner",
            ),
        ]
        indexes = [
            models.Index(fields=["account_id", "contact_id"], name="contact_address_of_contact"),
        ]


class ContactSearch(models.Model):
    """Folded words of a contact, each led by the account's number, so that one account's search
    never reads another's postings."""

    pk = models.CompositePrimaryKey("account_id", "contact_id")
    account_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    words = TsVector()

    class Meta:
        db_table = "contact_search"


class ContactNote(models.Model):
    """What a person wrote about a contact. It stays with the contact it was written on: a merged
    one's notes are read through the one it was merged into."""

    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("contact_note_id_seq"))
    contact_id = models.BigIntegerField()
    text = models.TextField()
    author_id = models.TextField()
    author_label = models.TextField()
    written_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "contact_note"
        indexes = [
            models.Index(fields=["account_id", "contact_id", "id"], name="note_of_contact"),
            models.Index(
                fields=["deleted_at"],
                name="note_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
        ]


class DuplicatePair(models.Model):
    """Two contacts that may be one person, until they are merged or found to be two (S18)."""

    pk = models.CompositePrimaryKey("account_id", "first_id", "second_id")
    account_id = models.BigIntegerField()
    first_id = models.BigIntegerField()
    second_id = models.BigIntegerField()
    reason = models.CharField(max_length=16)
    found_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.TextField(default="")

    class Meta:
        db_table = "duplicate_pair"
        indexes = [
            models.Index(fields=["account_id", "second_id"], name="duplicate_pair_by_second"),
        ]


class BlockedAddress(models.Model):
    """Keyed hash of an erased address: doors that run by themselves refuse it (S14)."""

    pk = models.CompositePrimaryKey("account_id", "address_hash")
    account_id = models.BigIntegerField()
    address_hash = models.CharField(max_length=64)
    blocked_at = models.DateTimeField()

    class Meta:
        db_table = "blocked_address"
