"""Accounts, the people in them, and their invitations."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in. Belongs to any number of accounts."""

    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=8, blank=True)  # blank: the account's (Y1)
    theme = models.CharField(max_length=8, blank=True)  # blank: the system's; light; dark
    density = models.CharField(max_length=8, default="normal")  # compact, normal, roomy
    table_columns = models.JSONField(default=dict, blank=True)  # account id → column names
    is_active = models.BooleanField(default=True)
    is_installation_admin = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "person"

    def __str__(self) -> str:
        return self.name or self.email


class Account(models.Model):
    """One company's contacts, people and contract."""

    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=8, default="en")
    has_marketing_contacts = models.BooleanField(default=True)  # E1
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "account"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one person may do in one account: a role, and single rights given or taken (P1)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(max_length=32)
    granted = ArrayField(models.CharField(max_length=64), default=list)
    withdrawn = ArrayField(models.CharField(max_length=64), default=list)
    team = models.CharField(max_length=100, blank=True)
    joined_at = models.DateTimeField()

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once"),
        ]


class Invitation(models.Model):
    """A link by which somebody joins an account. Only the hash of its token is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=32)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitation"


class SignInLink(models.Model):
    """A one-time way in from this machine, printed by `serve --demo`. Only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_link"
