"""ETag, If-None-Match, If-Match (RFC 9110): one resource, one version."""

from rest_framework.request import Request
from rest_framework.response import Response

from common.problems import PreconditionFailed


def etag(version: object) -> str:
    return f'"{version}"'


def _matches(header: str, version: object) -> bool:
    """The edge weakens the ETag of what it compresses, so a weak one is as good."""
    return header.strip() == "*" or etag(version) in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def require_match(request: Request, version: object) -> None:
    """Raise PreconditionFailed (412) if the request's If-Match is stale. Call it with the row locked."""
    header = request.headers.get("If-Match")
    if header is not None and not _matches(header, version):
        raise PreconditionFailed


def with_etag(request: Request, response: Response, version: object) -> Response:
    """Add the ETag; a GET that has this version already is answered 304."""
    if request.accepted_renderer.format != "json":
        return response
    header = request.headers.get("If-None-Match")
    if request.method in ("GET", "HEAD") and header is not None and _matches(header, version):
        response = Response(status=304)
    response["ETag"] = etag(version)
    return response
