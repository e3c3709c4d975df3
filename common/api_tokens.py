"""API tokens, for scripts: a long-lived secret with scopes. Every request that brings one looks it up.

It can't be checked offline, so a service takes it from the moment that it has heard of it and of its person.
"""

from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from common import events, inbox, outbox
from common.models import API_TOKENS_KEPT, ApiToken
from common.purges import LIMIT, delete_some

PREFIX = b"tdm_"  # tells it from an access token; scanners for leaked secrets know it by that
USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret: bytes) -> str:
    """Return what is kept of a secret. It is looked up by this: how long that takes tells nothing of the secret."""
    return sha256(secret).hexdigest()


def find(secret: bytes) -> ApiToken | None:
    """Return the token, with its person, if it is good now and they are known here and not locked out. One query."""
    alive = ApiToken.objects.alive().select_related("user")
    return alive.filter(digest=digest_of(secret), user__is_active=True).first()


def note_use(token: ApiToken) -> None:
    """Remember that it was used, at most once a minute, and tell who hears of it; who does so itself owns the token."""
    now = timezone.now()
    if token.last_used_at and now - token.last_used_at < USE_NOTED_EVERY:
        return
    not_lately = ApiToken.objects.filter(pk=token.pk).exclude(last_used_at__gt=now - USE_NOTED_EVERY)
    with transaction.atomic():
        if not_lately.update(last_used_at=now) and events.ApiTokenUsed not in inbox.handlers():
            outbox.publish(events.ApiTokenUsed(id=token.pk, version=int(now.timestamp()), used_at=now))


def purge(limit: int = LIMIT) -> int:
    """Delete what expired a month ago, at most `limit`; return how many.

    What was revoked stays as long: its creation may come late.
    """
    return delete_some(ApiToken.objects.filter(expires_at__lt=Now() - API_TOKENS_KEPT), limit)
