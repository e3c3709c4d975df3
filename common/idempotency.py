"""Idempotency-Key: who repeats a POST whose answer was lost gets that answer, and nothing is done twice.

The answer is kept in the transaction of its effect, so that there are both or neither. It may hold secrets, as the
request may: from the table nobody reads either, only who sends the very request again gets what it was answered. The
header is draft-ietf-httpapi-idempotency-key-header's; docs/api.md says what it promises here.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.models import IdempotencyKey
from common.purges import LIMIT, delete_some
from common.rendering import JSONRenderer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
WELL_FORMED = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


class InProgress(APIException):
    status_code = 409
    default_code = "idempotency_in_progress"
    default_detail = f"A request with this {HEADER} is still running."
    wait = 1


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = f"Another request was sent with this {HEADER}."


def key_of(request: Request) -> str | None:
    """Return the key of a POST that has one; ValidationError if it is malformed.

    To be called before authentication: it reads the body, and the CSRF check would take a form's away.
    """
    key = request.headers.get(HEADER) if request.method == "POST" else None
    if key is None:
        return None
    if not WELL_FORMED.fullmatch(key):
        detail = "It must have 1 to 255 characters, and no control characters."
        raise ValidationError({HEADER: [ErrorDetail(detail, "invalid")]})
    _ = request.body
    return key


def answer_once(
    view: Any, key: str, post: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
) -> Response:
    """Answer as `post` does, in one transaction with what it does, or as it did before.

    Only success is kept: after an error the key is free again. What `post` committed before it refused stays, such as
    a failed try that counts; what fails otherwise is rolled back. Raises InProgress and KeyReused.
    """
    owner = request.user.pk
    digest = sha256(f"{owner or ''}\n{key}".encode())
    said = b"\n".join([key.encode(), request.get_full_path().encode(), request.body])
    with transaction.atomic():
        if not _lock(digest.digest()):
            raise InProgress
        # A statement after that of the lock: it sees what the last holder has committed.
        alive = IdempotencyKey.objects.filter(created_at__gt=Now() - view.replayed_for)
        if kept := alive.filter(digest=digest.hexdigest()).first():
            return _replay(kept, said)
        try:
            response = post(request, *args, **kwargs)
        except Exception as error:
            response = view.handle_exception(error)  # which raises what is no refusal
        if response.status_code < 300:
            _keep(IdempotencyKey(digest=digest.hexdigest(), user_id=owner), said, response)
    return response


def purge(limit: int = LIMIT) -> int:
    """Delete what is kept no longer, at most `limit`; return how many."""
    return delete_some(IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT), limit)


def _lock(digest: bytes) -> bool:
    """Hold the key until the transaction ends; say whether nobody else does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])
        return bool(cursor.fetchone()[0])


def _keep(row: IdempotencyKey, said: bytes, response: Response) -> None:
    headers = {name: value for name, value in response.items() if name != "Content-Type"}  # which the renderer says
    head = json.dumps([response.status_code, headers]).encode()
    row.fingerprint = _fingerprint(said)
    row.answer = _cipher(said).encrypt(head + b"\n" + JSONRenderer().render(response.data)).decode()
    IdempotencyKey.objects.bulk_create(
        [row],  # in the place of one that is kept no longer and not yet purged
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["user", "fingerprint", "answer", "created_at"],
    )


def _replay(kept: IdempotencyKey, said: bytes) -> Response:
    if kept.fingerprint != _fingerprint(said):
        raise KeyReused
    head, _, body = _cipher(said).decrypt(kept.answer).partition(b"\n")
    status, headers = json.loads(head)
    return Response(json.loads(body) if body else None, status, headers=headers | {REPLAYED: "true"})


def _fingerprint(said: bytes) -> str:
    """Keyed: a plain digest would let a password in the body be guessed at full speed."""
    return salted_hmac("idempotency fingerprint", said, algorithm="sha256").hexdigest()


def _cipher(said: bytes) -> Fernet:
    """Its key takes SECRET_KEY and the whole request, of which the table has nothing."""
    return Fernet(urlsafe_b64encode(salted_hmac("idempotency answer", said, algorithm="sha256").digest()))
