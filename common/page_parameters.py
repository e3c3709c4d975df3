"""The query parameters of a page: what they may be, and a 400 that names the one that is not."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
PARAMETERS = frozenset({"cursor", "page_size", "with_count", "ordering"})


class Cursor(NamedTuple):
    """The row that a page starts after, in the list's order, or before which it ends."""

    ordering: str
    backwards: bool
    sort: str
    id: str

    def encode(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def refuse(parameter: str, detail: str) -> ValidationError:
    return ValidationError({parameter: [ErrorDetail(detail, "invalid")]})


def read_page_size(request: Request) -> int:
    given = request.query_params.get("page_size")
    if given is None:
        return PAGE_SIZE
    if not (len(given) < 10 and given.isascii() and given.isdigit() and 1 <= int(given) <= MAX_PAGE_SIZE):
        raise refuse("page_size", f"Give a whole number from 1 to {MAX_PAGE_SIZE}.")
    return int(given)


def read_cursor(request: Request, ordering: str) -> Cursor | None:
    given = request.query_params.get("cursor")
    if given is None:
        return None
    try:
        cursor = msgspec.json.decode(urlsafe_b64decode(given + "=" * (-len(given) % 4)), type=Cursor)
    except ValueError as error:
        raise refuse("cursor", "This is no cursor of ours.") from error
    if cursor.ordering != ordering:
        raise refuse("cursor", "This cursor belongs to another ordering.")
    return cursor


def read_sort(field: Any, text: str) -> Any:
    """Raises ValueError or Django's ValidationError if the text is no value that the field may have."""
    value = field.to_python(text)
    if "\0" in text or (isinstance(value, datetime) and value.tzinfo is None):
        raise ValueError(text)
    return value


def read_with_count(request: Request) -> bool:
    given = request.query_params.get("with_count", "false")
    if given not in ("true", "false"):
        raise refuse("with_count", "Give true or false.")
    return given == "true"


def described(orderings: Iterable[str], default_ordering: str) -> list[dict[str, Any]]:
    """Return what OpenAPI says of them."""
    names = [sign + name for name in orderings for sign in ("", "-")]
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}
    return [
        _parameter("cursor", {"type": "string"}, "Where the page starts: taken from `next` or `previous`."),
        _parameter("page_size", size, "How many results a page has."),
        _parameter("with_count", {"type": "boolean", "default": False}, "Add `count`, the number of all results."),
        _parameter("ordering", {"type": "string", "enum": names, "default": default_ordering}, "The list's order."),
    ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
