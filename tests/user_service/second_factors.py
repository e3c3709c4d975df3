"""An authenticator app, and its owner's way to turn it on."""

import re
from types import SimpleNamespace
from urllib.parse import urlencode

import pyotp

from tests.forms import fill
from user_service.second_factor import services
from user_service.tokens import services as sessions
from user_service.tokens.models import Session

PAGE = "/login/second-factor/"
START = 2_000_000_000 // 30 * 30


class App:
    """Shows codes, by a clock that a test sets: the service reads the same one."""

    def __init__(self, monkeypatch):
        self.now = START
        monkeypatch.setattr(services, "time", SimpleNamespace(time=lambda: self.now))

    def scan(self, secret):
        self.totp = pyotp.TOTP(secret)

    def code(self, steps=0):
        return self.totp.at(self.now + 30 * steps)

    def wait(self, steps=1):
        self.now += 30 * steps

    def guard(self, person):
        """Turn the person's second factor on; return the recovery codes. The next code that it shows is a fresh one."""
        pair = sessions.begin_session(user=person)
        self.scan(services.begin(user=person).secret)
        assert services.use_code(user=person, code=self.code())
        codes = services.turn_on(user=person, session=Session.objects.latest("id").id)
        sessions.end_session(refresh=pair.refresh)
        self.wait()
        return codes

    def set_up(self, browser, wanted="/"):
        """Turn it on as a person does, page by page; return the last one."""
        begin = browser.get(f"{PAGE}?{urlencode({'next': wanted})}")
        enrolment = fill(browser, begin, PAGE, password="correct-horse-9")
        self.scan(re.search(r"<code>(\w+)</code>", enrolment.content.decode())[1])
        done = fill(browser, enrolment, f"{PAGE}confirm/", code=self.code())
        self.wait()
        return done
