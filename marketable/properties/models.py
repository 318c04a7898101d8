"""Custom contact properties of an account. The default ones are data in `defaults.py`."""

from django.db import models

from marketable.history.models import NextId


class PropertyRow(models.Model):
    pk = models.CompositePrimaryKey("account_id", "name")
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=100)
    label = models.CharField(max_length=200)
    type = models.CharField(max_length=16)
    field_type = models.CharField(max_length=32)
    group_name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    options = models.JSONField(default=list)
    is_unique = models.BooleanField(default=False)
    display_order = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property"


class PropertyGroup(models.Model):
    pk = models.CompositePrimaryKey("account_id", "name")
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=100)
    label = models.CharField(max_length=200)
    display_order = models.IntegerField(default=0)

    class Meta:
        db_table = "property_group"


class UniqueValue(models.Model):
    """The live contact that holds a value of a unique property."""

    pk = models.CompositePrimaryKey("account_id", "name", "value")
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=100)
    value = models.TextField()
    contact_id = models.BigIntegerField()

    class Meta:
        db_table = "unique_value"
        indexes = [
            models.Index(fields=["account_id", "contact_id"], name="unique_value_of_contact")
        ]


class PropertyIndex(models.Model):
    """A property that is marked indexed. The index itself is `rules.index_name`, made by a job."""

    pk = models.CompositePrimaryKey("account_id", "name")
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=100)
    id = models.BigIntegerField(db_default=NextId("property_index_id_seq"), unique=True)
    state = models.CharField(max_length=16)
    problem = models.CharField(max_length=5, default="")  # PostgreSQL's code of the error
    asked_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property_index"
