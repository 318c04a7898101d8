"""Plans, contracts, the tier an account pays for, and its usage."""

from django.db import models


class Plan(models.Model):
    """A plan of the installation: how many contacts are included, and by how many it grows (T2)."""

    code = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=100)
    included = models.IntegerField()
    step = models.IntegerField()
    features = models.JSONField(default=list)  # E8
    rank = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "plan"


class Subscription(models.Model):
    """What an account pays for now, and what happens at the limit (T4)."""

    account_id = models.BigIntegerField(primary_key=True)
    tier = models.IntegerField()  # the limit, as a number of contacts
    at_limit = models.CharField(max_length=16, default="automatic")  # automatic, ceiling
    ceiling = models.IntegerField(null=True)  # under `ceiling`; null: the tier's limit
    currency = models.CharField(max_length=3, blank=True)
    base_price_cents = models.IntegerField(null=True)  # a month, for the included contacts
    step_price_cents = models.IntegerField(null=True)  # a month, for each further step

    class Meta:
        db_table = "subscription"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ceiling__isnull=True) | models.Q(ceiling__gte=0),
                name="subscription_ceiling_not_negative",
            ),
        ]


class ContractRow(models.Model):
    """One contract of an account. The next one begins on an update date of the one before (U7)."""

    pk = models.CompositePrimaryKey("account_id", "starts_on")
    account_id = models.BigIntegerField()
    starts_on = models.DateField()
    plan_code = models.CharField(max_length=32)
    term = models.CharField(max_length=16)  # monthly, yearly, multi_year
    years = models.SmallIntegerField(default=1)
    ends_on = models.DateField(null=True)

    class Meta:
        db_table = "contract"


class AccountUsage(models.Model):
    """The counter of places taken: rows of `marketing_contact`, kept in the same transaction."""

    account_id = models.BigIntegerField(primary_key=True)
    counter = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        db_table = "account_usage"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(counter__gte=0, reserved__gte=0), name="usage_not_negative"
            ),
        ]


class Reservation(models.Model):
    """Places that work under way still holds against the ceiling."""

    pk = models.CompositePrimaryKey("account_id", "holder")
    account_id = models.BigIntegerField()
    holder = models.CharField(max_length=40)  # bulk:12, import:7
    places_left = models.IntegerField()

    class Meta:
        db_table = "reservation"


class UsageDay(models.Model):
    """Usage at the last change of a day, and its highest value (T1). Days without a change
    have no row until the nightly job writes one; usage then is that of the day before."""

    pk = models.CompositePrimaryKey("account_id", "day")
    account_id = models.BigIntegerField()
    day = models.DateField()
    marketing_count = models.IntegerField()
    peak = models.IntegerField()

    class Meta:
        db_table = "usage_day"


class TierChange(models.Model):
    """When the tier moved, from where to where, and because of which change (T5)."""

    pk = models.CompositePrimaryKey("account_id", "change_id")
    account_id = models.BigIntegerField()
    change_id = models.BigIntegerField()
    cause_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    from_tier = models.IntegerField()
    to_tier = models.IntegerField()
    usage = models.IntegerField()

    class Meta:
        db_table = "tier_change"
