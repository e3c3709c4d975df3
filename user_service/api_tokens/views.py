from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from common import pagination
from common.concurrency import require_match, with_etag
from common.models import ApiToken
from common.views import HonestQueryMixin
from user_service.api_tokens import services
from user_service.api_tokens.serializers import ApiTokenSerializer, ApiTokenWithSecretSerializer
from user_service.users.models import User


class ApiTokensView(HonestQueryMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    """Your API tokens, for scripts: those that are good now. They outlive your sessions and your password."""

    serializer_class = ApiTokenSerializer
    pagination_class = pagination.KeysetPagination
    orderings = {"created_at": None}
    default_ordering = "-created_at"
    page_key = "id"
    lookup_value_converter = "uuid"

    def get_view_name(self) -> str:
        return "API tokens"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.alive().filter(user=self.request.user.pk)

    @extend_schema(responses={201: ApiTokenWithSecretSerializer})
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = services.create_api_token(user=cast("User", request.user), **serializer.validated_data)
        body = ApiTokenWithSecretSerializer(made.token).data | {"token": made.secret}
        headers = {"Location": f"/api/v1/auth/api-tokens/{made.token.id}/", "Cache-Control": "no-store"}
        return with_etag(request, Response(body, status.HTTP_201_CREATED, headers=headers), version_of(made.token))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        token = self.get_object()
        return with_etag(request, Response(self.get_serializer(token).data), version_of(token))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        services.revoke_api_token(token=self.get_object(), check=self.check_match)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def check_match(self, token: ApiToken) -> None:
        require_match(self.request, version_of(token))


def version_of(token: ApiToken) -> str:
    """Its use shows too."""
    return f"{token.version}-{token.last_used_at.timestamp() if token.last_used_at else 0}"
