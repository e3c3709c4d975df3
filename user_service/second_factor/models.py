from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from user_service.users.models import User

TIME_TO_SET_UP = timedelta(minutes=10)


class SecondFactorQuerySet(models.QuerySet["SecondFactor"]):
    def enabled(self) -> Self:
        return self.filter(confirmed_at__isnull=False)

    def pending(self) -> Self:
        return self.filter(confirmed_at=None, begun_at__gt=Now() - TIME_TO_SET_UP)

    def guards(self, user: User) -> bool:
        """Whether the person signs in with a code, too."""
        return self.enabled().filter(user=user).exists()

    def owed_by(self, user: User) -> bool:
        """Whether the installation wants one of the person, who has none."""
        return settings.OPERATORS_NEED_SECOND_FACTOR and user.is_staff and not self.guards(user)


class SecondFactor(models.Model):
    """A person's authenticator app (TOTP, RFC 6238). It guards nothing until a first code has come back from it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="second_factor"
    )
    secret = models.TextField(help_text="encrypted, see encryption.py")
    last_step = models.BigIntegerField(default=0, help_text="time step of the last code used: no older one is good")
    recovery_codes = ArrayField(models.CharField(max_length=64), default=list, help_text="SHA-256 of those left")
    begun_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)

    objects = SecondFactorQuerySet.as_manager()

    def __str__(self) -> str:
        return f"of {self.user_id}"
