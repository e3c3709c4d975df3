"""The archive: a ZIP of JSON files. A new table that holds something about people gets a line in FILES."""

import json
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.serializers.json import DjangoJSONEncoder

from common.models import ApiToken
from user_service.erasure.models import Erasure
from user_service.exports.models import Export
from user_service.lockout import services as lockout
from user_service.second_factor.models import SecondFactor
from user_service.users.models import User


def profile(user: User) -> Any:
    fields = ["id", "username", "email", "display_name", "time_zone", "is_active", "is_staff", "version", "last_login"]
    return {name: getattr(user, name) for name in [*fields, "created_at", "updated_at"]}


def sessions(user: User) -> Any:
    fields = ["id", "created_at", "last_used_at", "expires_at", "revoked_at", "user_agent", "ip"]
    return list(user.sessions.order_by("id").values(*fields))


def erasures(user: User) -> Any:
    fields = ["id", "state", "reason", "requested_at", "deadline", "finished_at"]
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
    return list(user.mails.order_by("id").values("recipient", "subject", "created_at", "sent_at"))


FILES: dict[str, Callable[[User], Any]] = {
    "profile.json": profile,
    "sessions.json": sessions,
    "second_factor.json": second_factor,
    "failed_tries.json": failed_tries,
    "api_tokens.json": api_tokens,
    "mails.json": mails,
    "erasures.json": erasures,
}


def archive(export: Export) -> bytes:
    """Return the ZIP of a ready export: what user_service holds now, and what task_service told."""
    pieces = export.parts.order_by("number").values_list("data", flat=True)
    gathered = json.loads(zlib.decompress(b"".join(bytes(piece) for piece in pieces)))
    found = {name: of(export.user) for name, of in FILES.items()}
    found |= {f"{name}.json": rows for name, rows in gathered.items()}
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as file:
        for name, rows in found.items():
            file.writestr(name, json.dumps(rows, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
    return buffer.getvalue()
