from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from common.serializers import Serializer
from common.views import HonestQueryMixin
from user_service.exports import services
from user_service.exports.models import Archive, Export
from user_service.exports.serializers import ExportSerializer
from user_service.users.models import User


class ZipRenderer(BaseRenderer):
    media_type = "application/zip"
    format = "zip"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_: Any) -> bytes:
        return bytes(data)


class ExportView(HonestQueryMixin, GenericAPIView[Export]):
    """A copy of all that is held about you: POST asks for it, GET tells whether it is ready, and then answers it.

    POST answers the one that is being gathered; it asks for a new one once the last was asked for 5 minutes ago.
    As `application/zip` (or with `?format=zip`) it is the archive, a ZIP of JSON files. It is kept for a day.
    """

    serializer_class = ExportSerializer

    def get_renderers(self) -> list[Any]:
        renderers = super().get_renderers()
        return [*renderers, ZipRenderer()] if self.request.method == "GET" else renderers

    @extend_schema(responses={(200, "application/json"): ExportSerializer, (200, "application/zip"): bytes})
    def get(self, request: Request) -> Response:
        exports = Export.objects.alive().filter(user=request.user.pk)
        if request.accepted_renderer.format != "zip":
            return Response(self.get_serializer(get_object_or_404(exports)).data)
        found = get_object_or_404(Archive.objects.filter(export__in=exports)).data
        headers = {"Content-Disposition": 'attachment; filename="tandem-export.zip"', "Cache-Control": "no-store"}
        return Response(found, headers=headers)

    @extend_schema(request=None, responses={202: ExportSerializer})
    def post(self, request: Request) -> Response:
        Serializer(data=request.data).is_valid(raise_exception=True)  # takes no fields
        export = services.request_export(user=cast("User", request.user))
        return Response(self.get_serializer(export).data, 202, headers={"Location": "/api/v1/users/me/export/"})
