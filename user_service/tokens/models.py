from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Least, Now
from django.utils import timezone

from common.ids import uuid7
from user_service.tokens.devices import device_of

ENDED_AT = Least("revoked_at", "expires_at")  # PostgreSQL's passes over NULL


class SessionQuerySet(models.QuerySet["Session"]):
    def alive(self) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=Now())

    def ended_before(self, moment: Any) -> Self:
        """Revoked or run out, whichever was first."""
        return self.alias(ended_at=ENDED_AT).filter(ended_at__lt=moment)

    def seen_from(self, session: UUID) -> Self:
        """That one first, which is `here`, then what was used last."""
        return self.annotate(here=Q(pk=session)).order_by("-here", "-last_used_at")


class Session(models.Model):
    """A signed-in device: a family of refresh tokens, of which one is good at a time.

    A token's id is kept, never the token: without the signing key nobody can make one from the other.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    current = models.UUIDField(default=uuid7, help_text="id of the refresh token that is good now")
    lately = ArrayField(
        models.UUIDField(),
        default=list,
        db_default=[],
        help_text="those before, newest first: good for a retry, a short time",
    )
    lately_at = ArrayField(
        models.DateTimeField(), default=list, db_default=[], help_text="when each of them was rotated"
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    second_factor = models.BooleanField(default=False, db_default=False, help_text="signed in with one")
    user_agent = models.CharField(max_length=300, blank=True)
    ip = models.GenericIPAddressField(null=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(ENDED_AT, name="session_ended")]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def device(self) -> str:
        return device_of(self.user_agent)
