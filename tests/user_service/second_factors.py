"""An authenticator app, and its owner's way to turn it on."""

from types import SimpleNamespace

import pyotp

from user_service.second_factor import services
from user_service.tokens import services as sessions
from user_service.tokens.models import Session

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
