"""The archive: a ZIP of JSON files. A new table that holds something about people gets a line in FILES.

tests/user_service/test_what_is_held.py lists every table, and why some are left out.
"""

import json
import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Case, When

from common import admin_log as log
from common.models import ApiToken
from user_service.erasure.models import Erasure
from user_service.exports.models import Export
from user_service.lockout import services as lockout
from user_service.second_factor.models import SecondFactor
from user_service.users import services as users
from user_service.users.models import User

LIMIT = 256 * 1024 * 1024  # bytes, of what task_service tells; making the ZIP takes about three times as much memory


class TooLarge(Exception):
    """There is more than can be put into an archive here."""


def profile(user: User) -> Any:
    fields = ["id", "username", "email", "display_name", "time_zone", "is_active", "is_staff", "is_superuser"]
    rights = user.user_permissions.values_list("content_type__app_label", "codename").order_by("id")
    groups = user.groups.values_list("name", flat=True).order_by("id")
    return {name: getattr(user, name) for name in [*fields, "version", "last_login", "created_at", "updated_at"]} | {
        "permissions": [".".join(right) for right in rights],
        "groups": list(groups),
    }


def sessions(user: User) -> Any:
    fields = ["id", "created_at", "last_used_at", "expires_at", "revoked_at", "second_factor", "user_agent", "ip"]
    return list(user.sessions.order_by("id").values(*fields))


def erasures(user: User) -> Any:
    fields = ["id", "state", "reason", "requested_at", "deadline", "committed_at", "finished_at"]
    return list(Erasure.objects.filter(user_id=user.pk).order_by("id").values(*fields))


def second_factor(user: User) -> Any:
    found = SecondFactor.objects.filter(user=user).first()
    return found and {"confirmed_at": found.confirmed_at, "recovery_codes_left": len(found.recovery_codes)}


def failed_tries(user: User) -> Any:
    return list(lockout.tries_of(person=user).values("attempt_time", "ip_address", "user_agent"))


def api_tokens(user: User) -> Any:
    fields = ["id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]
    return list(ApiToken.objects.filter(user=user).order_by("id").values(*fields))


def mails(user: User) -> Any:
    """A body that is a secret is not told: it lets whoever holds it set a new password."""
    told = Case(When(holds_token=False, then="body"))
    fields = ["recipient", "subject", "state", "created_at", "sent_at"]
    return list(user.mails.order_by("id").values(*fields, text=told))


def admin_log(user: User) -> Any:
    entries = [*users.log_about(user).order_by("id"), *lockout.log_about(user).order_by("id")]
    return {"about_you": log.about(entries), "by_you": log.by(user.pk)}


FILES: dict[str, Callable[[User], Any]] = {
    "profile.json": profile,
    "sessions.json": sessions,
    "second_factor.json": second_factor,
    "failed_tries.json": failed_tries,
    "api_tokens.json": api_tokens,
    "mails.json": mails,
    "erasures.json": erasures,
    "admin_log.json": admin_log,
}


def archive(export: Export) -> bytes:
    """Return the ZIP: what user_service holds now, and what task_service told. Raises TooLarge."""
    pieces = export.parts.order_by("number").values_list("data", flat=True)
    gathered = msgspec.json.decode(inflate(map(bytes, pieces.iterator())), type=dict[str, msgspec.Raw])
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as file:
        for name, of in FILES.items():
            file.writestr(name, json.dumps(of(export.user), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
        for name, rows in gathered.items():
            file.writestr(f"{name}.json", msgspec.json.format(rows, indent=2))
    return buffer.getvalue()


def inflate(pieces: Iterable[bytes]) -> bytes:
    inflater, found = zlib.decompressobj(), bytearray()
    for piece in pieces:
        found += inflater.decompress(piece, LIMIT + 1 - len(found))
        if len(found) > LIMIT:
            raise TooLarge
    return bytes(found)
