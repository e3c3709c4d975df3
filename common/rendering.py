"""Renderers: JSON that may already be JSON, problems under their own media type, and the browsable API."""

import json
from contextlib import suppress
from typing import Any

from django.conf import settings
from rest_framework import renderers
from rest_framework.exceptions import APIException
from rest_framework.fields import DateTimeField
from rest_framework.request import override_method
from rest_framework.utils.serializer_helpers import ReturnDict

from common.problems import MEDIA_TYPE


class RenderedJSON(bytes):
    """A body that PostgreSQL rendered; it goes out as it is."""


class JSONRenderer(renderers.JSONRenderer):
    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if isinstance(data, RenderedJSON):
            return data
        response = (renderer_context or {}).get("response")
        if response is not None and response.exception:
            response["Content-Type"] = MEDIA_TYPE
        return super().render(data, accepted_media_type, renderer_context)


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    template = "common/api.html"

    def get_default_renderer(self, view: Any) -> renderers.BaseRenderer:
        return renderers.JSONRenderer()

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        if renderer_context["response"].exception:
            context["response_headers"]["Content-Type"] = MEDIA_TYPE
        operator = getattr(renderer_context["request"].user, "is_staff", False)
        context["navigation"] = [page for page in settings.NAVIGATION if operator or "/admin/" not in page["link"]]
        return context

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        """After a mistake the form comes back as it was sent, with what is wrong next to each field."""
        if method == request.method and isinstance(data, dict) and "errors" in data:
            with suppress(APIException):  # a body that can't be read is no form
                data = ReturnDict(data, serializer=self.refused(view, request, data["errors"]))
        elif method == request.method == "POST" and isinstance(data, dict):
            data = dict(data)  # what was made is no start for the next
        return super().get_rendered_html_form(data, view, method, request)

    def refused(self, view: Any, request: Any, errors: list[dict[str, str]]) -> Any:
        sent = request.data.copy()
        serializer = view.get_serializer(data=sent)
        serializer.is_valid()
        serializer._errors = {}
        for name, field in serializer.fields.items():
            if field.write_only and isinstance(sent, dict):
                sent.pop(name, None)  # a password does not come back
            if isinstance(field, DateTimeField):
                field.format = None  # DRF reads what is sent back by this format; it is as the browser wrote it
        for error in errors:
            serializer._errors.setdefault(error["field"].partition(".")[0], []).append(error["detail"])
        return serializer

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        """DRF prefills read-only fields, which the API refuses to be sent."""
        form = super().get_raw_data_form(data, view, method, request)
        content = form and form.fields["_content"]
        if content and content.initial:
            with override_method(view, request, method):  # a view may have a serializer for each
                fields = view.get_serializer().fields
            sent = {name: value for name, value in json.loads(content.initial).items() if not fields[name].read_only}
            content.initial = json.dumps(sent, indent=4, ensure_ascii=False)
        return form
