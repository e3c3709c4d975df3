"""What is forgotten of failed tries. django-axes writes them, when `authenticate` finds nobody."""

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.db.models.functions import Now

from common.purges import LIMIT, delete_some
from user_service.lockout.policy import code_key, fold
from user_service.users.models import User


def forgive_password(*, person: User, ip: str | None) -> None:
    """The person gave the right password from there."""
    AccessAttempt.objects.filter(username__in=[fold(person.username), fold(person.email)], ip_address=ip).delete()


def forgive_codes(*, person: User) -> None:
    AccessAttempt.objects.filter(username=code_key(person)).delete()


def forget(*, person: User) -> None:
    """Nothing of them stays, nor in the log of who unlocked them."""
    tries_of(person=person).delete()
    log_about(person).update(object_repr="erased", change_message="Unlocked somebody who was erased since.")


def log_about(person: User) -> QuerySet[LogEntry]:
    """What the admin's log has of their being unlocked."""
    told = [f"Unlocked {name}." for name in names_of(person)]
    return LogEntry.objects.filter(content_type__app_label="axes", change_message__in=told)


def tries_of(*, person: User) -> QuerySet[AccessAttempt]:
    """Return what failed, whatever they were tried as."""
    tries: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(username__in=names_of(person))
    return tries


def names_of(person: User) -> list[str]:
    return [fold(person.username), fold(person.email), code_key(person)]


def unlock(*, name: str) -> None:
    """Forget every try under what attempts are listed by, from anywhere."""
    AccessAttempt.objects.filter(username=name).delete()


def purge_attempts(limit: int = LIMIT) -> int:
    """Delete what counts no more, at most `limit`; return how many.

    No index leads to it: the table holds the tries of some minutes.
    """
    return delete_some(AccessAttempt.objects.filter(attempt_time__lte=Now() - settings.AXES_COOLOFF_TIME), limit)
