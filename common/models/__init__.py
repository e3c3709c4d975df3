"""The tables that each service has in its own database."""

from common.models.access import API_TOKENS_KEPT, ApiToken, IdempotencyKey, Revocation
from common.models.delivery import EventQuerySet, FailedEvent, InboxEvent, MirrorRun, OutboxEvent

__all__ = [
    "API_TOKENS_KEPT",
    "ApiToken",
    "EventQuerySet",
    "FailedEvent",
    "IdempotencyKey",
    "InboxEvent",
    "MirrorRun",
    "OutboxEvent",
    "Revocation",
]
