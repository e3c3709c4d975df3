"""OpenAPI 3.1: what every operation of both services has in common."""

from typing import Any

from django.conf import settings
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.openapi import AutoSchema as BaseAutoSchema

from common import idempotency
from common.scopes import needed_scope

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "detail")},
            },
        },
    },
}
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "Any text that is new for each thing to be done, such as a random UUID. Who lost the answer sends "
    "the same request with the same key again, and is given that answer: nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
REPLAYED = {"description": "This was answered before; nothing was done now.", "schema": {"const": "true"}}


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "common.authentication.BearerAuthentication"
    name = ["bearer", "apiToken"]  # type: ignore[assignment]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        description = (
            "A secret that starts with tdm_, from POST /api/v1/auth/api-tokens/. Each operation lists the scope that "
            "it needs; writing does not imply reading. Operations that list no apiToken are for sessions only."
        )
        return [
            super().get_security_definition(auto_schema),  # type: ignore[no-untyped-call]
            {"type": "http", "scheme": "bearer", "description": description},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        scope = needed_scope(auto_schema.view, auto_schema.method)
        return [{"bearer": []}, *([{"apiToken": [scope]}] if scope else [])]


class CookieScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "common.cookies.CookieAuthentication"
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "A browser has it from signing in at /login/; writes take the X-CSRFToken header too."
        return {"type": "apiKey", "in": "cookie", "name": settings.ACCESS_COOKIE, "description": description}


class AutoSchema(BaseAutoSchema):
    def get_operation_id(self) -> str:
        operation: str = super().get_operation_id().removeprefix("api_v1_")
        return operation

    def _get_request_body(self, direction: str = "request") -> Any:
        """Also that of a DELETE which declares one by @extend_schema: drf-spectacular leaves it out."""
        if self.method != "DELETE" or not isinstance(self.get_request_serializer(), type):
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """What may be left out of a request is always there in an answer."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "response" and "properties" in schema:
            schema["required"] = list(schema["properties"])
        return schema


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: every operation may answer with a problem (RFC 9457)."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", {"description": "Problem details", "content": PROBLEM_CONTENT})
    return result


def add_idempotency(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook like it: every POST takes an Idempotency-Key (HonestQueryMixin)."""
    for operation in [operations["post"] for operations in result["paths"].values() if "post" in operations]:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response.setdefault("headers", {})[idempotency.REPLAYED] = REPLAYED
        for refusal in (idempotency.InProgress, idempotency.KeyReused):
            problem = {"description": refusal.default_detail, "content": PROBLEM_CONTENT}
            operation["responses"].setdefault(str(refusal.status_code), problem)
    return result
