"""Ids: UUIDv7 (RFC 9562), ordered by time, so that a list can be paged by its key alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7() -> UUID:
    return uuid_utils.compat.uuid7()


def time_of(uuid: UUID) -> datetime:
    """Return the moment, in milliseconds, that a UUIDv7 carries in its first 48 bits."""
    return EPOCH + timedelta(milliseconds=uuid.int >> 80)
