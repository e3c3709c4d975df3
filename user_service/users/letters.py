"""What people are written: plain text, and short.

No name is in it: whoever registers types one, and another person's address, so that it would be they who write.
"""

from typing import TypedDict
from urllib.parse import urlencode

from django.conf import settings

from user_service.users.models import User


class Letter(TypedDict):
    subject: str
    body: str


def password_reset(token: str) -> Letter:
    return Letter(
        subject="Set a new password",
        body=f"""Hello,

somebody, you we hope, wants to set a new password for your account at Tandem:

{settings.PUBLIC_URL}/login/reset/?{urlencode({"token": token})}

The link is good once and for an hour. For a program, the token is

{token}

If it was not you, do nothing: your password stays as it is.
""",
    )


def password_changed() -> Letter:
    return Letter(
        subject="Your password was changed",
        body=f"""Hello,

the password of your account at Tandem was changed, and your other devices are signed out.

If it was not you, set a new one now: {settings.PUBLIC_URL}/login/forgot/
""",
    )


def account_kept(user: User, reason: str) -> Letter:
    now = "Sign in again; you may ask again at any time." if user.is_active else "An operator has locked it."
    return Letter(
        subject="Your account was not erased",
        body=f"""Hello,

your account at Tandem was to be erased. It was not:

{reason}

All that is yours is there. {now}
""",
    )
