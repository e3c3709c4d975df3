"""A signing key's life: next, until it is known everywhere; active; retired, until nothing that it signed is good."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import structlog
from django.conf import settings
from rest_framework_simplejwt.settings import api_settings

from user_service.tokens import keys

log = structlog.get_logger()
ACTIVE_FOR = timedelta(days=30)


class State(StrEnum):
    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class Standing(NamedTuple):
    path: Path
    kid: str
    state: State
    age: timedelta


def survey() -> list[Standing]:
    """Return the keys, oldest first by name. Raises ImproperlyConfigured without any."""
    keys.active_key()
    found = keys.signing_keys()
    paths = list(found)
    active = paths.index(keys.active_of(paths))
    states = [State.RETIRED] * active + [State.ACTIVE] + [State.NEXT] * (len(paths) - active - 1)
    return [
        Standing(path, found[path].kid, state, timedelta(seconds=keys.age(path)))
        for path, state in zip(paths, states, strict=True)
    ]


def rotate(*, now: bool = False) -> list[Standing]:
    """Make a next key if the active one is old, or `now`; delete the retired whose tokens have all run out.

    Returns what is there afterwards. Makes no second next key, and never the first key: that one is made by hand, so
    that a lost folder is noticed. May be called by several at once. Raises ImproperlyConfigured without any key.
    """
    keys.active_key()
    with _alone():
        standings = survey()
        for path in _spent(standings):
            path.unlink()
            log.info("signing key deleted", file=path.name)
        active, *following = [standing for standing in standings if standing.state is not State.RETIRED]
        if not following and (now or active.age > ACTIVE_FOR):
            log.info("signing key made", file=keys.create_key().name)
        return survey()


def _spent(standings: list[Standing]) -> list[Path]:
    """A key signs until a later one is known everywhere; what it signed last lives as long as a refresh token."""
    lives = timedelta(seconds=keys.KNOWN_SECONDS + api_settings.LEEWAY) + api_settings.REFRESH_TOKEN_LIFETIME
    return [
        standing.path
        for number, standing in enumerate(standings)
        if standing.state is State.RETIRED and any(later.age > lives for later in standings[number + 1 :])
    ]


@contextmanager
def _alone() -> Iterator[None]:
    """The kernel drops the lock with its holder, however that one ends."""
    folder = os.open(settings.SIGNING_KEYS_DIR, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
