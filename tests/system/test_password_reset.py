"""Who has forgotten the password: from the question to the mail to a new password, at the edge."""

import email
import re
import stat
from email.policy import default

from tests.system.running import PASSWORD

ASK = "/api/v1/auth/password/reset/"
NEW = "another-horse-battery-staple"


def mails_to(system, person):
    """What `make up` has written for them into DATA_DIR/mail, by subject."""
    folder = system.data_dir / "mail"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = (email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.iterdir()))
    return {mail["Subject"]: mail for mail in found if mail["To"] == f"{person.username}@example.com"}


def mail(system, person, subject):
    return system.eventually(lambda: mails_to(system, person).get(subject), seconds=30)


def link(system, person):
    assert system.client().post(ASK, json={"email": f"{person.username}@example.com"}).status_code == 202
    text = mail(system, person, "Set a new password").get_content()
    return re.search(r"^(http\S+)/login/reset/\?token=(\S+)$", text, re.MULTILINE).groups()


def statuses(person):
    return {person.get(path).status_code for path in ("/api/v1/users/me/", "/api/v1/tasks/")}


def test_a_program_resets_the_password_and_old_sessions_are_out_at_both_services(system, alice):
    assert statuses(alice) == {200}
    origin, token = link(system, alice)
    assert origin == system.url

    confirm = {"token": token, "new_password": NEW}
    assert alice.post(f"{ASK}confirm/", json=confirm).status_code == 204

    # Several times in a row: each service has two workers.
    system.eventually(lambda: all(statuses(alice) == {401} for _ in range(6)), seconds=20)
    assert alice.post("/api/v1/auth/token/refresh/", json={"refresh": alice.refresh}).status_code == 401
    old = {"username": alice.username, "password": PASSWORD}
    assert system.client().post("/api/v1/auth/token/", json=old).status_code == 401
    assert statuses(system.sign_in(alice.username, NEW)) == {200}
    assert mail(system, alice, "Your password was changed")["From"] == "Tandem <tandem@localhost>"
    assert alice.post(f"{ASK}confirm/", json=confirm).json()["code"] == "invalid_token"


def test_a_person_resets_it_in_the_browser_and_the_token_is_in_no_log(system, alice, browser):
    _, token = link(system, alice)
    browser.open(f"/login/reset/?token={token}")
    browser.fill(new_password=NEW)
    browser.click("form button")
    browser.wait(lambda: browser.path == "/login/")
    asked = browser._events("Network.requestWillBeSent")
    assert [entry for entry in asked if token in entry["request"]["headers"].get("Referer", "")] == []

    assert statuses(system.sign_in(alice.username, NEW)) == {200}
    for name in ("edge", "user_service.web"):
        system.eventually(lambda name=name: '"POST","path":"/login/reset/"' in system.log(name))
    logs = (system.data_dir / "logs").iterdir()
    assert [path.name for path in logs if token in path.read_text(errors="replace")] == []
    kept = "SELECT count(*) FROM mail_outgoingmail WHERE body LIKE %s"
    assert system.sql("user_service", kept, f"%{token}%") == [(0,)]
