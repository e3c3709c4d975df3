"""What every request gets, whoever answers it: an id, one log line, and a 503 when the database is away."""

import re
import select
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from common import problems
from common.ids import uuid7
from common.process import stood_still

log = structlog.get_logger()
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
QUIET = ("/health/", "/metrics", "/static/")


class RequestContextMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        if settings.HTTPS:  # PUBLIC_URL says what people see, whoever ends TLS
            request.META["wsgi.url_scheme"] = "https"
        if seen := request.META.get("HTTP_X_FORWARDED_FOR"):  # by the edge, which replaces whatever the client sent
            request.META["REMOTE_ADDR"] = seen
        given = request.headers.get("X-Request-ID", "")
        request_id = given if SANE_REQUEST_ID.fullmatch(given) else uuid7().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if traceparent := request.headers.get("traceparent"):
            structlog.contextvars.bind_contextvars(traceparent=traceparent[:64])
        drop_dead_session()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if not response.streaming and response.content:
            response.headers["Content-Length"] = str(len(response.content))
        if not request.path.startswith(QUIET):
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 2),
            )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError | InterfaceError) and not stood_still(exception):
            return None
        log.warning("database unavailable", error=str(exception))
        return problems.problem_response(request, 503, "service_unavailable", "The database does not answer right now.")


def drop_dead_session() -> None:
    """Forget a database session that ended while it was idle, as a restart of PostgreSQL leaves one in every worker.

    An idle session says nothing, so what can be read is its end. This look costs a microsecond, a query far more.
    """
    session = connection.connection
    if session is None or session.closed:
        return
    poll = select.poll()
    poll.register(session.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.close()
