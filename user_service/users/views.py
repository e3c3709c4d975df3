from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from common import pagination
from common.concurrency import require_match, with_etag
from common.models import ApiToken
from common.scopes import InsufficientScope
from common.views import HonestQueryMixin
from user_service.erasure.serializers import ErasureRequestSerializer, ErasureSerializer
from user_service.erasure.services import request_erasure
from user_service.task_mirror.models import MirroredTask
from user_service.users import services
from user_service.users.filters import PeopleFilter
from user_service.users.models import User
from user_service.users.serializers import MeSerializer, PersonSerializer


class MeView(HonestQueryMixin, generics.GenericAPIView[User]):
    """The signed-in person. task_counts are the tasks that they created or that are assigned to them."""

    serializer_class = MeSerializer
    scope = "profile"

    def get(self, request: Request) -> Response:
        user = self.get_object()
        return self.answer(user, MirroredTask.objects.counts_of(user.pk))

    def patch(self, request: Request) -> Response:
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=self.get_object().pk)
            counts = MirroredTask.objects.counts_of(user.pk)
            require_match(request, version_of(user, counts))
            serializer = self.get_serializer(user, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            return self.answer(services.update_user(user=user, changes=serializer.validated_data), counts)

    @extend_schema(
        request=ErasureRequestSerializer,
        responses={202: ErasureSerializer},
        auth=[{"bearer": []}, {"cookie": []}],  # type: ignore[list-item]  # as OpenAPI has it
    )
    def delete(self, request: Request) -> Response:
        """Erase your account. It is locked at once; Location tells, without a sign-in, what becomes of it."""
        if isinstance(request.auth, ApiToken):
            raise InsufficientScope(None)
        serializer = ErasureRequestSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        started = request_erasure(user=self.get_object())
        location = f"/api/v1/users/erasure/?key={started.key}"
        return Response(ErasureSerializer(started.erasure).data, status=202, headers={"Location": location})

    def get_object(self) -> User:
        assert isinstance(self.request.user, User)  # noqa: S101 - IsAuthenticated has passed
        return self.request.user

    def answer(self, user: User, task_counts: dict[str, int]) -> Response:
        serializer = MeSerializer(user, context={"task_counts": task_counts})
        return with_etag(self.request, Response(serializer.data), version_of(user, task_counts))


def version_of(user: User, task_counts: dict[str, int]) -> str:
    """What `users/me/` shows is the row and its counts."""
    return f"{user.version}-{task_counts['open']}-{task_counts['done']}"


class PeopleView(HonestQueryMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[User]):
    """The directory of active people."""

    serializer_class = PersonSerializer
    scope = "profile"
    filterset_class = PeopleFilter
    pagination_class = pagination.KeysetPagination
    orderings = {"created_at": None, "username": Lower("username")}
    default_ordering = "created_at"
    page_key = "id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[User]:
        people: QuerySet[User] = User.objects.active()
        return people

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        person = self.get_object()
        return with_etag(request, Response(self.get_serializer(person).data), person.version)
