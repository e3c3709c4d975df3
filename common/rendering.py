"""Renderers: JSON that may already be JSON, problems under their own media type, and the browsable API."""

from typing import Any

from rest_framework import renderers

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
