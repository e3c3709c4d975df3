"""Sign-in sessions: begin, renew, end."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Func, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings

from common import events, outbox, revocations
from common.ids import uuid7
from common.purges import LIMIT, delete_some
from user_service.second_factor.models import SecondFactor
from user_service.tokens.models import Session
from user_service.tokens.tokens import AccessToken, RefreshToken
from user_service.users.models import User

GRACE = timedelta(seconds=15)
MAX_SESSIONS = 200  # of a person
GENERATIONS = 16  # of refresh tokens that are remembered: as many renewals of one session within the grace


class newest(Func):  # noqa: N801 - named as SQL functions are
    """An array with one more in front, and no more than GENERATIONS."""

    template = f"(array_prepend(%(expressions)s))[1:{GENERATIONS}]"


class RefreshRefused(AuthenticationFailed):
    """The refresh token is not good, or not any more."""

    default_code = "token_not_valid"


class Pair(NamedTuple):
    access: str
    refresh: str


def begin_session(*, user: User, user_agent: str = "", ip: str | None = None, second_factor: bool = False) -> Pair:
    """Sign in who was authenticated as `user`. Raises AuthenticationFailed if that was by a password of before, or
    without the second factor that they have turned on.

    The person's row is locked: a new password, or a lock-out, either is seen here or sees this session and ends it.
    """
    expires_at = timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME
    with transaction.atomic():
        fresh = User.objects.active().select_for_update(no_key=True).filter(pk=user.pk).first()
        if fresh is None or fresh.password != user.password:
            raise AuthenticationFailed
        if not second_factor and SecondFactor.objects.guards(fresh):
            raise AuthenticationFailed
        session = Session.objects.create(
            user=fresh, user_agent=user_agent[:300], ip=ip, expires_at=expires_at, second_factor=second_factor
        )
        _end_beyond(fresh)
        return Pair(AccessToken.of(session), RefreshToken.of(session))


def renew_session(*, refresh: str) -> Pair:
    """Rotate the refresh token. Raises RefreshRefused.

    One UPDATE decides, so that of many calls at once one rotates and the others, within the grace, get the newest one.
    A token used again after the grace has been stolen, from the person or by them: the session ends.
    """
    session_id, token_id = _read(refresh)
    # Not user__is_active: a join puts all conditions into a subquery, which an UPDATE does not repeat after a wait.
    person = User.objects.active().filter(id=OuterRef("user"))
    alive = Session.objects.alive().filter(Exists(person), id=session_id)
    with transaction.atomic():  # the old token stays good where the new one can't be signed
        rotated = alive.filter(current=token_id).update(
            lately=newest(F("current"), F("lately")),
            lately_at=newest(Now(), F("lately_at")),
            current=uuid7(),
            last_used_at=Now(),
            expires_at=Now() + api_settings.REFRESH_TOKEN_LIFETIME,
        )
        session = alive.annotate(now=Now()).select_related("user").first()
        if session is not None and (rotated or _in_grace(session, token_id)):
            return Pair(AccessToken.of(session), RefreshToken.of(session))
    _revoke(alive)
    raise RefreshRefused("This refresh token is not good any more.")


def end(*, session: Session) -> None:
    _revoke(Session.objects.filter(pk=session.pk))


def end_session(*, refresh: str) -> None:
    """Revoke the session of the token. Raises RefreshRefused on what is no refresh token; ending twice is fine."""
    session_id, _ = _read(refresh)
    _revoke(Session.objects.filter(id=session_id))


def end_session_of(*, access: str) -> None:
    """Revoke the session that an access token belongs to, run out or not; what is no token of ours ends nothing."""
    session_id = AccessToken.session_of(access)
    if session_id is not None:
        _revoke(Session.objects.filter(id=session_id))


def end_sessions(*, user: User, keep: UUID | None = None) -> None:
    """Revoke all of the person's sessions but the one to keep."""
    sessions = Session.objects.filter(user=user)
    _revoke(sessions.exclude(id=keep) if keep else sessions)


def note_second_factor(*, session: UUID, used: bool) -> None:
    """The access tokens that it gets from now on say so."""
    Session.objects.filter(id=session).update(second_factor=used)


def purge_sessions(limit: int = LIMIT) -> int:
    """Delete sessions that ended a month ago, at most `limit`; return how many."""
    return delete_some(Session.objects.ended_before(Now() - timedelta(days=30)), limit)


def _end_beyond(user: User) -> None:
    """End those that were used longest ago, where a person has too many: a script may never sign out."""
    used = Session.objects.alive().filter(user=user).order_by("-last_used_at").values_list("id", flat=True)
    if beyond := list(used[MAX_SESSIONS : MAX_SESSIONS + 1000]):
        _revoke(Session.objects.filter(id__in=beyond))


def _in_grace(session: Any, token_id: UUID) -> bool:
    """Say whether the token was rotated just now, by the database's clock."""
    rotations = zip(session.lately, session.lately_at, strict=True)
    return any(token == token_id and session.now - at < GRACE for token, at in rotations)


def _revoke(sessions: QuerySet[Session]) -> None:
    """Their refresh tokens are good no more, and every service is told to refuse their access tokens."""
    with transaction.atomic():
        ending = list(sessions.filter(revoked_at=None).select_for_update(of=("self",)).order_by("id"))
        ids = [session.id for session in ending]
        Session.objects.filter(id__in=ids).update(revoked_at=Now())
        revocations.revoke(ids)
        for session in ending:
            outbox.publish(events.SessionRevoked(id=session.id, version=1, user_id=session.user_id))


def _read(refresh: str) -> tuple[UUID, UUID]:
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
        return UUID(token["sid"]), UUID(token["jti"])
    except (TokenError, KeyError, ValueError) as error:
        raise RefreshRefused("This is no valid refresh token.") from error
