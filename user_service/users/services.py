"""What can be changed about people. What others may know of them is published in the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from django.utils import timezone

from common import events, failures, outbox
from common.models import ApiToken
from common.process import for_each
from user_service.erasure.models import Erasure
from user_service.lockout import services as lockout
from user_service.mail.services import send_mail
from user_service.tokens import services as tokens
from user_service.users import letters, reset_tokens
from user_service.users.models import PasswordResetRequest, User

TAKEN = {"users_username_unique": "username", "users_email_unique": "email"}
RESETS_AN_HOUR = 3
RESETS_AT_ONCE = 100  # of the schedule's turn


def register_user(*, username: str, email: str, password: str, display_name: str = "", **flags: bool) -> User:
    """Make a person. Raises ValidationError with code `unique` on a taken username or e-mail, in any case of letters.

    The flags is_staff and is_superuser are for operators' commands and the admin only.
    """
    user = User(username=username, email=email, display_name=display_name, **flags)
    user.set_password(password)
    user.updated_at = user.created_at
    with _taken_names_are_invalid(), transaction.atomic():
        user.save(force_insert=True)
        outbox.publish(event_of(events.UserRegistered, user))
    return user


def update_user(*, user: User, changes: dict[str, Any]) -> User:
    """Set the given fields and return the fresh row; what changes nothing makes no version and no event.

    Raises ValidationError as register_user does.
    """
    with _taken_names_are_invalid(), transaction.atomic():
        fresh: User = User.objects.select_for_update().get(pk=user.pk)
        changes = {field: value for field, value in changes.items() if getattr(fresh, field) != value}
        if not changes:
            return fresh
        for field, value in changes.items():
            setattr(fresh, field, value)
        fresh.version += 1
        fresh.updated_at = timezone.now()
        fresh.save()
        outbox.publish(event_of(events.UserUpdated, fresh))
        if not fresh.is_active:
            tokens.end_sessions(user=fresh)
    return fresh


def set_password(*, user: User, password: str, keep: UUID | None = None) -> None:
    """Whoever is signed in by the old password has to sign in again, but for the session to keep; a mail says so.

    Raises ValidationError with code `conflict` where the password is another than that of the row that `user` is: who
    proved to know the old one must not undo a reset.
    """
    before = user.password
    user.set_password(password)
    with transaction.atomic():
        if User.objects.select_for_update(no_key=True).get(pk=user.pk).password != before:
            raise ValidationError("The password was changed meanwhile.", code="conflict")
        user.save(update_fields=["password"])
        tokens.end_sessions(user=user, keep=keep)
        if fresh := User.objects.active().filter(pk=user.pk).first():
            send_mail(person=fresh, recipient=fresh.email, **letters.password_changed())


def request_password_reset(*, email: str) -> None:
    """Have the schedule look whose address this is: asking costs the same whether anybody has it."""
    PasswordResetRequest.objects.create(email=email)


def answer_password_reset_requests() -> None:
    for_each(list(PasswordResetRequest.objects.order_by("id")[:RESETS_AT_ONCE]), _answer_password_reset_request)


@transaction.atomic
def _answer_password_reset_request(asked: PasswordResetRequest) -> None:
    _mail_reset_token(asked.email)
    asked.delete()


def _mail_reset_token(email: str) -> None:
    """Mail a one-time token to the active person with this address, if the last hour has not had three."""
    user = User.objects.active().named(email).select_for_update(no_key=True).first()
    if user is None:
        return
    letter = letters.password_reset(reset_tokens.token_for(user))
    lately = user.mails.filter(subject=letter["subject"], created_at__gt=Now() - timedelta(hours=1))
    if lately.count() < RESETS_AN_HOUR:
        send_mail(person=user, recipient=user.email, **letter, holds_token=True)


def reset_password(*, token: str, password: str) -> None:
    """Set a new password by a mailed token; all sessions end.

    Raises ValidationError at `token` with code `invalid_token`, or at `new_password`. Of many calls at once with the
    same token one succeeds: they wait for the person's row, and the new password has made the token void.
    """
    with transaction.atomic():
        user = reset_tokens.owner_of(token, User.objects.active().select_for_update(no_key=True))
        if user is None:
            void = "This token is wrong, too old, or was used already. Ask for a new one."
            raise ValidationError({"token": ValidationError(void, code="invalid_token")})
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise ValidationError({"new_password": error}) from error
        set_password(user=user, password=password)


def erase_user(*, user_id: UUID) -> None:
    """Delete the person for ever, and all that hangs on the row. Once is enough; a second time finds nobody.

    The version of the event is newer than all that was told: it beats an update that comes late.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None:
            return
        tokens.end_sessions(user=user)
        lockout.forget(person=user)
        outbox.publish(events.UserErased(id=user.id, version=user.version + 1))
        log_about(user).update(object_repr=F("object_id"))
        failures.forget(user_id)
        user.delete()


def log_about(user: User) -> QuerySet[LogEntry]:
    """What the admin's log has of the account and of what hangs on it."""
    about = Q(object_id=str(user.id))
    for hanging in (user.mails, ApiToken.objects.filter(user=user), Erasure.objects.filter(user_id=user.id)):
        about |= Q(object_id__in=hanging.values(key=Cast("id", TextField())))
    return LogEntry.objects.filter(about)


@contextmanager
def _taken_names_are_invalid() -> Iterator[None]:
    """The unique indexes decide, so that two registrations at once can't both win."""
    try:
        yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        field = TAKEN.get(getattr(diagnosis, "constraint_name", None) or "")
        if field is None:
            raise
        raise ValidationError({field: ValidationError("This is taken already.", code="unique")}) from error


def event_of(event_type: type[events.UserEvent], user: User) -> events.UserEvent:
    return event_type(
        id=user.id,
        version=user.version,
        username=user.username,
        display_name=user.display_name,
        is_active=user.is_active,
        is_staff=user.is_staff,
        is_superuser=user.is_superuser,
    )
