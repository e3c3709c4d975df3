"""Bodies of messages as a person can read them, whatever they are: nothing in one may break the page that shows it."""

import json

LIMIT = 65_536  # characters that are shown
TEXT = "\n\t"


def readable(body: bytes) -> str:
    """Return JSON laid out, else text, else hexadecimal; at most LIMIT characters.

    What does not print, or turns text around, is written as an escape.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _cut(body[: LIMIT // 3].hex(" "), whole=len(body) <= LIMIT // 3)
    laid_out, whole = _laid_out(text)
    printable = "".join(c if c.isprintable() or c in TEXT else _escape(c) for c in laid_out[:LIMIT])
    return _cut(printable, whole=whole and len(laid_out) <= LIMIT and len(printable) <= LIMIT)


def _laid_out(text: str) -> tuple[str, bool]:
    """Lay it out if it is JSON that a person can read, piece by piece: a deep one could grow to gigabytes."""
    parts: list[str] = []
    size = 0
    try:
        for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
            parts.append(part)
            size += len(part)
            if size > LIMIT:
                return "".join(parts), False
    except (ValueError, RecursionError):
        return text, True
    return "".join(parts), True


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _cut(text: str, *, whole: bool) -> str:
    return text if whole else f"{text[:LIMIT]}\n… cut here"
