"""Errors as RFC 9457 problem details, whichever layer they come from; a browser that asks for HTML gets a page."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_code = "precondition_failed"
    default_detail = "The resource has changed since it was read."


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "service_unavailable"
    default_detail = "The service can't answer right now."
    wait = RETRY_AFTER_SECONDS


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. What it does not know becomes Django's 500, also a problem."""
    if isinstance(exc, Http404 | ObjectDoesNotExist):  # also a row that went while the request ran
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(_details(exc))
    if not isinstance(exc, exceptions.APIException):
        return None
    request = context["request"]
    if getattr(getattr(request, "accepted_renderer", None), "format", "json") not in ("json", "api"):
        renderers: Any = api_settings.DEFAULT_RENDERER_CLASSES
        request.accepted_renderer = renderers[0]()  # of the documents: YAML, a template
    return Response(_body(exc), status=exc.status_code, headers=_headers(exc))


def _details(exc: DjangoValidationError) -> dict[str, list[exceptions.ErrorDetail]]:
    fields = exc.error_dict if hasattr(exc, "error_dict") else {"non_field_errors": exc.error_list}
    return {
        field: [exceptions.ErrorDetail(error.messages[0], code=error.code or "invalid") for error in errors]
        for field, errors in fields.items()
    }


def _body(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        errors = list(_flatten(exc.get_full_details()))
        body = problem(400, errors[0]["code"] if len(errors) == 1 else "invalid", "The request has invalid fields.")
        return body | {"errors": errors}
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else exc.default_code
    return problem(exc.status_code, code, str(exc.detail))


def _flatten(node: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield an error for each leaf {"message", "code"}; nested fields are dotted, list items by index."""
    if isinstance(node, dict) and set(node) == {"message", "code"} and isinstance(node["code"], str):
        yield {"field": path or "non_field_errors", "code": node["code"], "detail": str(node["message"])}
        return
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        leaf = isinstance(node, list) and isinstance(child, dict) and set(child) == {"message", "code"}
        yield from _flatten(child, path if leaf else f"{path}.{key}".lstrip("."))


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if authenticate := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers


def problem_response(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """Answer outside of DRF: Django's own errors and middleware."""
    body = problem(status, code, detail)
    response: HttpResponse
    if "text/html" in request.headers.get("Accept", ""):
        response = render(request, "common/problem.html", body, status=status)
    else:
        response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 400, "bad_request", "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 403, "permission_denied", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 404, "not_found", "Nothing is here.")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(request, 500, "internal_error", "Something broke on our side; it is in the logs.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem_response(request, 403, "csrf_failed", f"CSRF check failed: {reason}")
