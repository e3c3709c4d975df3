"""API tokens: make, revoke. The others hear of both, and tell when one is used."""

from collections.abc import Callable, Collection
from datetime import datetime
from secrets import token_urlsafe
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from common import events, outbox
from common.api_tokens import PREFIX, digest_of
from common.models import ApiToken
from user_service.users.models import User

MAX_ALIVE = 50
Check = Callable[[ApiToken], None]


class Made(NamedTuple):
    token: ApiToken
    secret: str


def create_api_token(*, user: User, name: str, scopes: Collection[str], expires_at: datetime) -> Made:
    """Make a token; its secret is known to nobody afterwards. The person's row is locked, so that the limit holds.

    Raises ValidationError with code `too_many` where they have MAX_ALIVE already, User.DoesNotExist if they are
    locked out meanwhile.
    """
    secret = PREFIX.decode() + token_urlsafe(32)
    with transaction.atomic():
        owner: User = User.objects.active().select_for_update(no_key=True).get(pk=user.pk)
        if ApiToken.objects.alive().filter(user=owner).count() >= MAX_ALIVE:
            raise ValidationError(f"You have {MAX_ALIVE} API tokens: revoke one first.", code="too_many")
        token = ApiToken.objects.create(
            user=owner,
            name=name,
            digest=digest_of(secret.encode()),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        outbox.publish(event_of(events.ApiTokenCreated, token))
    return Made(token, secret)


def revoke_api_token(*, token: ApiToken, check: Check | None = None) -> ApiToken:
    """Refuse it everywhere from now on; revoking again changes nothing. `check` sees the locked row, and may raise."""
    with transaction.atomic():
        fresh = ApiToken.objects.select_for_update(no_key=True).get(pk=token.pk)
        if check is not None:
            check(fresh)
        if fresh.revoked_at is None:
            fresh.revoked_at = timezone.now()
            fresh.version += 1
            fresh.save(update_fields=["revoked_at", "version"])
            outbox.publish(event_of(events.ApiTokenRevoked, fresh))
    return fresh


def note_use_elsewhere(*, token_id: UUID, used_at: datetime) -> None:
    """The latest use counts, in whatever order they are told."""
    ApiToken.objects.filter(pk=token_id).exclude(last_used_at__gte=used_at).update(last_used_at=used_at)


def event_of(event_type: type[events.ApiTokenEvent], token: ApiToken) -> events.ApiTokenEvent:
    return event_type(
        id=token.id,
        version=token.version,
        user_id=token.user_id,
        name=token.name,
        digest=token.digest,
        scopes=token.scopes,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )
