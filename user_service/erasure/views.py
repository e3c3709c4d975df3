from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from common.concurrency import with_etag
from common.views import HonestQueryMixin
from user_service.erasure.models import Erasure
from user_service.erasure.serializers import ErasureSerializer


class ErasureStatusView(HonestQueryMixin, GenericAPIView[Erasure]):
    """What becomes of an account. The key is the right to see it: nobody can sign in any more."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    serializer_class = ErasureSerializer

    def known_query_parameters(self) -> set[str]:
        return {"key"}

    @extend_schema(parameters=[OpenApiParameter("key", str, required=True)])
    def get(self, request: Request) -> Response:
        erasure = get_object_or_404(Erasure.objects.with_key(request.query_params.get("key", "")))
        response = Response(self.get_serializer(erasure).data, headers={"Cache-Control": "no-store"})
        return with_etag(request, response, f"{erasure.state}-{erasure.version}")
