"""Who may come in, and what they were answered."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from common.ids import uuid7

API_TOKENS_KEPT = timedelta(days=30)  # after they expired


class Revocation(models.Model):
    """A sign-in that was ended: access tokens whose `sid` it is are refused. Kept until all of them have run out."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("created_at", name="revocation_created")]

    def __str__(self) -> str:
        return str(self.id)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def alive(self) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=Now())

    def kept(self) -> Self:
        """What no service purges yet."""
        return self.filter(expires_at__gte=Now() - API_TOKENS_KEPT)


class ApiToken(models.Model):
    """A secret that a person's scripts come in with. user_service owns it; elsewhere it is kept from its events.

    The secret's hash is kept, never the secret: 256 random bits can't be found from it.
    """

    class Scope(models.TextChoices):
        TASKS_READ = "tasks:read", "tasks:read"
        TASKS_WRITE = "tasks:write", "tasks:write"
        PROFILE_READ = "profile:read", "profile:read"
        PROFILE_WRITE = "profile:write", "profile:write"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveBigIntegerField(default=1)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,  # a mirror may hear of the token before it hears of the person
    )
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret")
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="to the minute")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("expires_at", name="api_token_expiry")]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """What a POST that named a key was answered, for who repeats it (idempotency.py)."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of who asked and the key")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,  # nobody was signed in
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,  # a token may come before the mirror hears of its person
    )
    fingerprint = models.CharField(max_length=64, help_text="HMAC of the request")
    answer = models.TextField(help_text="status, headers and body, encrypted with a key that the request is part of")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("created_at", name="idempotency_key_created")]

    def __str__(self) -> str:
        return self.digest
