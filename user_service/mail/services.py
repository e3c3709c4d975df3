"""Mail that outlives a crash: a row in the transaction of its cause, sent by the schedule.

At least once: who dies between the mail server's yes and the mark sends it again, with the same Message-ID.
"""

from datetime import timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models.functions import Now

from common.purges import LIMIT, delete_some
from user_service.mail.models import OutgoingMail
from user_service.users.models import User

log = structlog.get_logger()
BATCH = 20
TURN_SECONDS = 5  # then the schedule's other jobs have theirs
MAX_ATTEMPTS = 10  # over two hours
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=15), timedelta(hours=1)


def send_mail(
    *, recipient: str, subject: str, body: str, person: User | None = None, holds_token: bool = False
) -> None:
    """Owe somebody a plain text mail, in the caller's transaction; it leaves a moment after the commit.

    The mail of a person is deleted with their row: what has to reach who is gone by then names nobody.
    """
    OutgoingMail.objects.create(person=person, recipient=recipient, subject=subject, body=body, holds_token=holds_token)


def retry(*, mail: OutgoingMail) -> bool:
    """Try a failed mail again, from the first attempt on; say whether it had failed."""
    failed = OutgoingMail.objects.filter(pk=mail.pk, state=OutgoingMail.State.FAILED)
    return bool(failed.update(state=OutgoingMail.State.PENDING, attempts=0, next_attempt_at=Now(), error=""))


def send_due() -> None:
    """Send what is due: a bounded number of mails, for a bounded time, and until the first that fails.

    So a mail server that does not answer holds up the schedule for one timeout, one that is slow for TURN_SECONDS and
    the mail in hand, and a mail that it refuses the others for a second.
    """
    ends = monotonic() + TURN_SECONDS
    for _ in range(BATCH):
        mail = _claim()
        if mail is None or not _send(mail) or monotonic() >= ends:
            break


def purge(limit: int = LIMIT) -> int:
    """Delete what was written a month ago and is not owed any more, at most `limit`; return how many."""
    not_owed = OutgoingMail.objects.exclude(state=OutgoingMail.State.PENDING)
    return delete_some(not_owed.filter(created_at__lt=Now() - timedelta(days=30)), limit)


def _claim() -> OutgoingMail | None:
    """Take the next mail and count the attempt ahead of it: no transaction is open while the mail server is spoken to.

    Until its next attempt the mail is nobody else's; who dies with it in hand has merely delayed it.
    """
    with transaction.atomic():
        mail = OutgoingMail.objects.due().select_for_update(skip_locked=True).first()
        if mail is not None:
            delay = min(FIRST_DELAY * 2**mail.attempts, LONGEST_DELAY)
            mail.attempts += 1
            OutgoingMail.objects.filter(pk=mail.pk).update(attempts=mail.attempts, next_attempt_at=Now() + delay)
    return mail


def _send(mail: OutgoingMail) -> bool:
    row = OutgoingMail.objects.filter(pk=mail.pk)
    try:
        _message(mail).send()
    except Exception as error:
        failed = mail.attempts >= MAX_ATTEMPTS
        row.update(error=_text(error), state=OutgoingMail.State.FAILED if failed else OutgoingMail.State.PENDING)
        log.warning("mail not sent", mail=mail.id, attempts=mail.attempts, failed=failed, error=_text(error))
        return False
    body = "" if mail.holds_token else mail.body
    row.update(state=OutgoingMail.State.SENT, sent_at=Now(), body=body, error="")
    return True


def _message(mail: OutgoingMail) -> EmailMessage:
    headers = {
        "Message-ID": f"<{mail.id}@{settings.PUBLIC_HOST}>",  # the same at every attempt: a twin can be told
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's out-of-office answers
    }
    return EmailMessage(mail.subject, mail.body, to=[mail.recipient], headers=headers)


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
