"""Mail is owed from the commit of its cause on, until it has left or an operator has to look."""

import socket
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from tests.user_service.test_admin import ROOT
from user_service.mail import services
from user_service.mail.models import OutgoingMail
from user_service.schedule import SCHEDULE

PAGE = f"{ROOT}mail/outgoingmail/"


class MailServer(EmailBackend):
    """Takes a mail unless it is away, or the address is one that it does not know."""

    away = False

    def send_messages(self, messages):
        if MailServer.away:
            raise ConnectionRefusedError("away")
        if messages[0].to == ["nobody@example.org"]:
            raise SMTPRecipientsRefused({"nobody@example.org": (550, b"no such user")})
        return super().send_messages(messages)


@pytest.fixture(autouse=True)
def server(settings, db, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.MailServer"
    monkeypatch.setattr(MailServer, "away", False)
    return MailServer


def write(recipient="alice@example.org", **fields):
    services.send_mail(recipient=recipient, **{"subject": "Hello", "body": "Good day.\n"} | fields)
    return OutgoingMail.objects.latest("id")


def delivered():
    return django_mail.outbox


def fresh(mail):
    return OutgoingMail.objects.get(pk=mail.pk)


def pass_time(**spans):
    OutgoingMail.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(**spans))


def test_a_mail_leaves_once(server):
    mail = write()
    services.send_due()
    services.send_due()
    (sent,) = delivered()
    assert (sent.to, sent.subject, sent.body) == (["alice@example.org"], "Hello", "Good day.\n")
    assert sent.from_email == "Tandem <tandem@localhost>"
    assert (fresh(mail).state, fresh(mail).attempts, fresh(mail).body) == ("sent", 1, "Good day.\n")
    assert fresh(mail).sent_at is not None


def test_it_is_sent_by_the_schedule_every_second():
    assert [job.every for job in SCHEDULE if job.do is services.send_due] == [timedelta(seconds=1)]


def test_what_did_not_happen_sends_no_mail():
    with transaction.atomic():
        write()
        transaction.set_rollback(True)
    services.send_due()
    assert delivered() == []


def test_a_secret_is_gone_once_it_is_sent():
    mail = write(holds_token=True)
    services.send_due()
    assert delivered()[0].body == "Good day.\n"
    assert fresh(mail).body == ""


def test_while_the_mail_server_is_away_it_waits_longer_each_time(server):
    server.away = True
    mail = write(holds_token=True)
    waits = []
    for _ in range(3):
        services.send_due()
        waits.append(OutgoingMail.objects.annotate(wait=F("next_attempt_at") - Now()).get().wait.total_seconds())
        pass_time(seconds=waits[-1])
    assert waits == pytest.approx([15, 30, 60], abs=2)
    assert (fresh(mail).state, fresh(mail).error) == ("pending", "ConnectionRefusedError: away")
    server.away = False
    services.send_due()
    assert (len(delivered()), fresh(mail).state, fresh(mail).error) == (1, "sent", "")


def test_a_mail_that_waits_is_not_tried_before_its_time(server):
    server.away = True
    write()
    services.send_due()
    server.away = False
    services.send_due()
    assert delivered() == []


def test_one_that_is_refused_does_not_keep_the_next(server):
    refused, good = write("nobody@example.org"), write()
    services.send_due()
    services.send_due()
    assert [mail.to for mail in delivered()] == [["alice@example.org"]]
    assert (fresh(refused).state, fresh(good).state) == ("pending", "sent")
    assert "550" in fresh(refused).error


@pytest.fixture
def failed():
    mail = write("nobody@example.org")
    for _ in range(services.MAX_ATTEMPTS + 1):
        services.send_due()
        pass_time(hours=1)
    assert (fresh(mail).state, fresh(mail).attempts) == ("failed", services.MAX_ATTEMPTS)
    return mail


def test_a_failed_one_can_be_tried_again(failed):
    assert services.retry(mail=failed)
    assert (fresh(failed).state, fresh(failed).attempts, fresh(failed).error) == ("pending", 0, "")
    assert not services.retry(mail=failed)


def test_a_sent_one_is_not_sent_again():
    mail = write()
    services.send_due()
    assert not services.retry(mail=mail)


def test_who_dies_with_a_mail_in_hand_has_only_delayed_it(server, monkeypatch):
    class Killed(BaseException):
        pass

    def die(self, messages):
        raise Killed

    mail = write()
    with monkeypatch.context() as patch:
        patch.setattr(MailServer, "send_messages", die)
        with pytest.raises(Killed):
            services.send_due()
    services.send_due()
    assert delivered() == []
    pass_time(seconds=20)
    services.send_due()
    assert (len(delivered()), fresh(mail).attempts) == (1, 2)


def test_every_attempt_has_the_same_message_id(server, monkeypatch):
    mail = write()
    services.send_due()
    OutgoingMail.objects.update(state="pending")  # as if the mark had been lost
    pass_time(seconds=20)
    services.send_due()
    assert {sent.extra_headers["Message-ID"] for sent in delivered()} == {f"<{mail.id}@localhost>"}
    assert len(delivered()) == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_send_each_mail_once(in_threads):
    for _ in range(6):
        write()
    in_threads(2, lambda _: services.send_due())
    assert len(delivered()) == 6


def test_a_pass_is_bounded(monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    for _ in range(3):
        write()
    services.send_due()
    assert len(delivered()) == 2


def test_a_slow_mail_server_gets_a_turn_that_is_bounded(server, monkeypatch):
    now = [0]

    def send_slowly(self, messages):
        now[0] += 2
        return EmailBackend.send_messages(self, messages)

    monkeypatch.setattr(services, "monotonic", lambda: now[0])
    monkeypatch.setattr(MailServer, "send_messages", send_slowly)
    for _ in range(5):
        write()
    services.send_due()
    assert (len(delivered()), now) == (3, [6])
    services.send_due()
    assert len(delivered()) == 5


def test_a_mail_server_that_says_nothing_is_left_after_a_timeout(settings):
    assert settings.EMAIL_TIMEOUT == 5
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.1
        mail = write()
        services.send_due()
    assert fresh(mail).state == "pending"
    assert fresh(mail).error.endswith("timed out")


def test_old_ones_are_deleted_after_a_month_and_those_still_owed_never():
    owed, _ = write("nobody@example.org"), write()
    services.send_due()
    services.send_due()
    OutgoingMail.objects.update(created_at=F("created_at") - timedelta(days=31))
    young = write()
    assert services.purge() == 1
    assert {mail.id for mail in OutgoingMail.objects.all()} == {owed.id, young.id}


class TestAdmin:
    @pytest.fixture
    def admin(self, olga, admin_of):
        return admin_of(olga)

    def test_nobody_reads_the_body(self, admin):
        mail = write(body="token-1234")
        page = admin.get(f"{PAGE}{mail.id}/change/")
        assert "alice@example.org" in page.content.decode()
        assert "token-1234" not in page.content.decode()

    def test_an_operator_sends_what_has_failed_again(self, admin, olga, failed):
        admin.post(PAGE, {"action": "retry", "_selected_action": [str(failed.id)]})
        assert fresh(failed).state == "pending"
        history = admin.get(f"{PAGE}{failed.id}/history/").content.decode()
        assert "Sent again." in history
        assert "olga" in history

    @pytest.mark.parametrize("page", ["add/", "{}/delete/"])
    def test_nothing_is_written_by_hand(self, admin, page):
        mail = write()
        assert admin.get(PAGE + page.format(mail.id)).status_code == 403
