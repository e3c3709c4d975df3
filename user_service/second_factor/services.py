"""A second factor is begun, turned on by its first code, asked for at each sign-in, and turned off."""

import secrets
import time
from base64 import b32encode
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

import pyotp
import structlog
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import F, Func, Value
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.exceptions import APIException

from user_service.second_factor.encryption import decrypt, encrypt
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as tokens
from user_service.users.models import User

log = structlog.get_logger()
STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10


class WrongState(APIException):
    """409: the second factor is on already, or not begun, or off."""

    status_code = 409


class Enrolment(NamedTuple):
    """What an authenticator app takes in, typed or as a QR code."""

    secret: str
    uri: str


def begin(*, user: User) -> Enrolment:
    """Make a secret; it guards nothing yet, and takes the place of one begun before. Raises WrongState if one is on."""
    secret = pyotp.random_base32()
    with transaction.atomic():
        _lock(user)
        if SecondFactor.objects.guards(user):
            raise WrongState("Your second factor is on already.", code="second_factor_on")
        fresh = {"secret": encrypt(secret), "last_step": 0, "begun_at": Now()}
        SecondFactor.objects.update_or_create(user=user, defaults=fresh)
    return _enrolment(user, secret)


def begun(*, user: User) -> Enrolment | None:
    """Return what waits for its first code."""
    factor = SecondFactor.objects.pending().filter(user=user).first()
    secret = _secret(factor) if factor else None
    return _enrolment(user, secret) if secret else None


def turn_on(*, user: User, session: UUID) -> list[str]:
    """Turn on what a first code was used of; return the recovery codes, which nobody can read again.

    The person's other sessions end; this one counts as signed in with both. Raises WrongState.
    """
    codes = _new_recovery_codes()
    with transaction.atomic():
        _lock(user)
        begun = SecondFactor.objects.pending().filter(user=user, last_step__gt=0)
        turned_on = begun.update(confirmed_at=timezone.now(), recovery_codes=_digests(codes))
        if not turned_on:
            raise WrongState("Begin with POST auth/second-factor/.", code="second_factor_not_begun")
        _keep(user, session, second_factor=True)
    return codes


def renew_recovery_codes(*, user: User) -> list[str]:
    """Return new ones, which nobody can read again; those of before are void. Raises WrongState where it is off."""
    codes = _new_recovery_codes()
    if not SecondFactor.objects.enabled().filter(user=user).update(recovery_codes=_digests(codes)):
        raise WrongState("Your second factor is not on.", code="second_factor_off")
    return codes


def use_code(*, user: User, code: str) -> bool:
    """Say whether it is a code of the person's app, or a recovery code, that was not used before; now it is.

    One UPDATE decides, so that of many at once one wins. Ask by the backend: that counts wrong ones.
    """
    plain = _plain(code)
    if not plain.isascii():
        return False
    return _use_time_step(user, plain) if len(plain) == DIGITS else _use_recovery_code(user, plain)


def turn_off(*, user: User, session: UUID | None = None) -> None:
    """Forget the app and the recovery codes. All the person's sessions end but the given one."""
    with transaction.atomic():
        _lock(user)
        SecondFactor.objects.filter(user=user).delete()
        _keep(user, session, second_factor=False)


def _use_time_step(user: User, code: str) -> bool:
    factor = SecondFactor.objects.filter(user=user).first()
    step = factor and _step_of(factor, code)
    if not factor or not step:
        return False
    return SecondFactor.objects.filter(user=user, secret=factor.secret, last_step__lt=step).update(last_step=step) == 1


def _step_of(factor: SecondFactor, code: str) -> int | None:
    """Return which time step the code is of: now's, or, for a clock that is off, the one before or after."""
    secret = _secret(factor)
    if secret is None:
        return None
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    now = int(time.time()) // STEP_SECONDS
    return next((step for step in (now + 1, now, now - 1) if compare_digest(totp.generate_otp(step), code)), None)


def _secret(factor: SecondFactor) -> str | None:
    try:
        return decrypt(factor.secret)
    except InvalidToken:  # recovery codes still work
        log.error("second factor can't be read: was SECRET_KEY changed?", user_id=str(factor.user_id))
        return None


def _use_recovery_code(user: User, code: str) -> bool:
    digest = _digest(code)
    rest = Func(F("recovery_codes"), Value(digest), function="array_remove")
    return SecondFactor.objects.filter(user=user, recovery_codes__contains=[digest]).update(recovery_codes=rest) == 1


def _new_recovery_codes() -> list[str]:
    codes = [b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in codes]


def _plain(code: str) -> str:
    return "".join(letter for letter in code if letter.isalnum()).upper()


def _digests(codes: list[str]) -> list[str]:
    return [_digest(_plain(code)) for code in codes]


def _digest(code: str) -> str:
    """A plain hash is enough for 80 random bits."""
    return sha256(code.encode()).hexdigest()


def _enrolment(user: User, secret: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name="Tandem"))


def _keep(user: User, session: UUID | None, *, second_factor: bool) -> None:
    tokens.end_sessions(user=user, keep=session)
    if session:
        tokens.note_second_factor(session=session, used=second_factor)


def _lock(user: User) -> None:
    """A sign-in that runs at the same time either is seen and ended here, or sees what is done here."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
