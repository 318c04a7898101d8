"""Imports: the file, its mapping, the check, progress and outcomes."""

from django.db import models

from marketable.history.models import NextId


class ImportRun(models.Model):
    pk = models.CompositePrimaryKey("account_id", "id")
    account_id = models.BigIntegerField()
    id = models.BigIntegerField(db_default=NextId("import_run_id_seq"))
    state = models.CharField(max_length=16)  # draft, checking, checked, running, …
    source = models.JSONField()
    file_name = models.TextField()
    stored_as = models.TextField()  # name inside the data folder
    byte_size = models.BigIntegerField(default=0)
    format = models.JSONField(default=dict)  # kind, encoding, delimiter, quote, …
    headers = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)  # column index → {property, overwrite} or null
    options = models.JSONField(default=dict)  # marketing, mode, expect, date_order
    check_result = models.JSONField(default=dict)
    staged_rows = models.IntegerField(default=0)
    reached_line = models.IntegerField(default=0)  # the last one staged, then the last one taken
    total = models.IntegerField(default=0)  # rows; 0 until they are counted
    done = models.IntegerField(default=0)
    outcomes = models.JSONField(default=dict)
    change_id = models.BigIntegerField(null=True)
    failures_as = models.TextField(default="")
    error = models.TextField(default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import_run"
        indexes = [models.Index(fields=["account_id", "created_at"], name="import_run_by_time")]


class Cancelling(models.Model):
    """A wish to stop, in a row of its own: whoever asks does not wait for the batch under way."""

    pk = models.CompositePrimaryKey("account_id", "import_id")
    account_id = models.BigIntegerField()
    import_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "import_cancelling"
