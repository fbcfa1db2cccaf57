"""Projects (a brand, a shop, a sandbox), who may call them, and what their metadata looks like."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from config.kernel import ids
from config.project.fields import PublicIdField
from config.project.querysets import ScopedQuerySet


class Project(models.Model):
    """The scope of every row. Fields are named as in the management API."""

    public_id = PublicIdField("proj_", unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, blank=True, default="")
    dial_code = models.CharField(max_length=8, blank=True, default="")
    is_sandbox = models.BooleanField(default=False)
    case_sensitive_codes = models.BooleanField(default=True, help_text="Fixed when the project is made.")
    default_code_config = models.JSONField(null=True, blank=True)

    tracking_secret = models.CharField(max_length=200, help_text="Keys the HMAC of tracking ids; encrypted at rest.")
    webhook_token = models.CharField(max_length=200, help_text="Signs webhooks; encrypted at rest.")
    previous_webhook_token = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Signs beside it while it is being rotated."
    )
    previous_webhook_valid_until = models.DateTimeField(null=True, blank=True)
    file_secret = models.CharField(
        max_length=200, blank=True, default="", db_default="",
        help_text="Keys the links of files; encrypted at rest. Empty: the webhooks' secret, until that is rotated.",
    )  # fmt: skip

    client_trusted_domains = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    client_redeem_enabled = models.BooleanField(default=False)
    client_publish_enabled = models.BooleanField(default=False)
    client_list_vouchers_enabled = models.BooleanField(default=False)
    client_create_customer_enabled = models.BooleanField(default=False)
    client_set_voucher_expiration_date_enabled = models.BooleanField(default=False)
    client_loyalty_events_enabled = models.BooleanField(default=False)
    client_events_enabled = models.BooleanField(default=True)
    client_protects_customers = models.BooleanField(
        default=True, help_text="Client calls never change a stored customer."
    )

    strict_tracking = models.BooleanField(default=False, help_text="Two identities from one origin are refused.")
    secure_redemption = models.BooleanField(default=False, help_text="Who validated in a session must redeem.")
    strict_event_names = models.BooleanField(default=False, help_text="Events without a schema are refused.")
    raw_export_headers = models.BooleanField(default=False)
    stacking_rules = models.JSONField(default=dict, blank=True, help_text="Only what differs from the defaults.")
    vendor_caps = models.JSONField(default=dict, blank=True, help_text="Caps that are switched on, by name.")
    notifications = models.JSONField(
        default=dict, blank=True, help_text="Accepted and shown again: who is warned of what."
    )
    made_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="made",
        help_text="The project whose management key made this one, and may manage it.",
    )  # fmt: skip
    deleted_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.name


class Scoped(models.Model):
    """A row that belongs to a project. Subclasses declare `public_id` with their own prefix."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True


class UserManager(BaseUserManager["User"]):
    """People sign in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractUser):
    """A person who signs in: a marketer, or an operator (`is_staff`)."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    public_id = PublicIdField("user_", unique=True)
    must_change_password = models.BooleanField(default=False)
    timezone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: the project's.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email


class Member(models.Model):
    """What a person may do in a project; `config.project.permissions` says what each role opens."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Admin"
        USER = "user", "User"
        VIEWER = "viewer", "Viewer"
        MERCHANT = "merchant", "Merchant"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.USER)
    created_at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="member_once_per_project")]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class ApiKey(Scoped):
    """A key pair: a public `app_id` and a secret of which only the SHA-256 is stored.

    Two secrets may live at once while a key is rotated: the former one until `previous_valid_until`.
    """

    class Kind(models.TextChoices):
        SERVER = "server", "Server side"
        CLIENT = "client", "Client side"
        MANAGEMENT = "management", "Management"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=200)
    app_id = models.CharField(max_length=36, unique=True, default=ids.new_uuid, editable=False)
    secret_hash = models.CharField(max_length=64)
    previous_secret_hash = models.CharField(max_length=64, blank=True, default="")
    previous_valid_until = models.DateTimeField(null=True, blank=True)
    scopes = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="Empty: all of its kind.")
    allowed_networks = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "kind"], name="api_key_project_kind")]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class AccessToken(Scoped):
    """A bearer token that a key made for a quarter of an hour; only its SHA-256 is stored."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="access_tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=64))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "expires_at"], name="access_token_live")]

    def __str__(self) -> str:
        return f"{self.key} until {self.expires_at}"


class MetadataSchema(Scoped):
    """What the metadata of one kind of object looks like. `properties` keeps the management API's snake case."""

    public_id = PublicIdField("ms_")
    related_object = models.CharField(max_length=64)
    properties = models.JSONField(default=dict)
    allow_defined_only = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="metadata_schema_public_id"),
            models.UniqueConstraint("project", Lower("related_object"), name="metadata_schema_once_per_object"),
        ]

    def __str__(self) -> str:
        return self.related_object


class Preference(models.Model):
    """What a person chose and wants to find again, such as the columns of an export."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    name = models.CharField(max_length=64)
    value = models.JSONField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="preference_once")]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what to which object (`config.project.audit`). A moment after the commit, AuditLink chains it.

    Insert only: a trigger of the database refuses everything else. Values that may be personal stand in AuditDetail,
    of which the chain holds a salted digest, so that they can be erased and the chain still be verified.
    """

    class Channel(models.TextChoices):
        DASHBOARD = "dashboard", "Dashboard"
        API = "api", "API key"
        IMPORT = "import", "Import"
        ADMIN = "admin", "Admin"
        COMMAND = "command", "Server"

    project = models.ForeignKey(
        Project, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="None: of the installation, such as a refused login of somebody unknown.",
    )  # fmt: skip
    at = models.DateTimeField()
    actor_type = models.CharField(max_length=16, help_text="user, key or system.")
    actor_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=200, blank=True, default="")
    channel = models.CharField(max_length=16, choices=Channel.choices)
    request_id = models.CharField(max_length=64, blank=True, default="")
    detail_digest = models.CharField(max_length=64)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "id"], name="audit_entry_newest"),
            models.Index(fields=["project", "object_type", "object_id"], name="audit_entry_object"),
            models.Index(fields=["project", "actor_id"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"


class AuditDetail(models.Model):
    """The values of an audit entry: names and what was before and after. May be erased, never changed."""

    entry = models.OneToOneField(AuditEntry, primary_key=True, on_delete=models.PROTECT, related_name="detail")
    salt = models.CharField(max_length=32)
    values = models.TextField(help_text="Canonical JSON, as it was digested.")

    def __str__(self) -> str:
        return str(self.entry_id)


class AuditLink(models.Model):
    """An entry's place in its project's chain: a hash over the entry and the hash before it. Insert only."""

    entry = models.OneToOneField(AuditEntry, primary_key=True, on_delete=models.PROTECT, related_name="link")
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.BigIntegerField(help_text="Place in the chain, from 1.")
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "number"], name="audit_link_number", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return str(self.number)


class AuditPending(models.Model):
    """An entry that no link holds yet; written with it and deleted with the link's insert."""

    entry = models.OneToOneField(AuditEntry, primary_key=True, on_delete=models.PROTECT, related_name="pending")

    def __str__(self) -> str:
        return str(self.entry_id)
