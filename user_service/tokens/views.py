from typing import Any, cast
from uuid import UUID

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from common import pagination
from common.authentication import BearerAuthentication, session_id
from common.rendering import JSONRenderer
from common.scopes import SecondFactorOwed
from common.serializers import Serializer
from common.views import HonestQueryMixin
from user_service.second_factor.models import SecondFactor
from user_service.tokens import keys, services
from user_service.tokens.models import Session
from user_service.tokens.serializers import (
    PairSerializer,
    RefreshSerializer,
    SessionSerializer,
    SignInSerializer,
)
from user_service.users import services as users
from user_service.users.models import User
from user_service.users.serializers import RegistrationSerializer


class InvalidCredentials(AuthenticationFailed):
    default_detail = "No active account has this name and password."
    default_code = "invalid_credentials"


class SecondFactorRequired(AuthenticationFailed):
    default_detail = "Send a code of your second factor, too."
    default_code = "second_factor_required"


class SecondFactorNotSetUp(AuthenticationFailed):
    default_detail, default_code = SecondFactorOwed.default_detail, SecondFactorOwed.default_code


class BodyView(HonestQueryMixin, GenericAPIView[User]):
    """Reads a body as its serializer says."""

    def valid(self, request: Request) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class SignedInView(BodyView):
    @property
    def user(self) -> User:
        return cast("User", self.request.user)  # IsAuthenticated has passed

    @property
    def session(self) -> UUID:
        return session_id(self.request.auth)


class PublicView(BodyView):
    """For people who are not signed in: a token that came along is not looked at."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return BearerAuthentication().authenticate_header(request)


class RegisterView(PublicView):
    serializer_class = RegistrationSerializer

    @extend_schema(responses={201: RegistrationSerializer})
    def post(self, request: Request) -> Response:
        user = users.register_user(**self.valid(request))
        location = f"/api/v1/users/{user.id}/"
        return Response(self.get_serializer(user).data, status.HTTP_201_CREATED, headers={"Location": location})


class TokenView(PublicView):
    """Sign in by username or e-mail, and a code if you have turned on a second factor."""

    serializer_class = SignInSerializer
    replayed_for = services.GRACE  # a code is good once: whoever finds the request later must not come in by it

    @extend_schema(responses=PairSerializer)
    def post(self, request: Request) -> Response:
        given = self.valid(request)
        code = given.pop("code", "")
        user = authenticate(request._request, **given)
        if not isinstance(user, User):
            raise InvalidCredentials
        if SecondFactor.objects.owed_by(user):
            raise SecondFactorNotSetUp
        second_factor = SecondFactor.objects.guards(user)
        if second_factor and not code:
            raise SecondFactorRequired
        if second_factor and authenticate(request._request, person=user, code=code) is None:
            raise InvalidCredentials
        agent, ip = request.headers.get("User-Agent", ""), request.META["REMOTE_ADDR"]
        pair = services.begin_session(user=user, user_agent=agent, ip=ip, second_factor=second_factor)
        return Response(pair._asdict(), headers={"Cache-Control": "no-store"})


class RefreshView(PublicView):
    """Exchange a refresh token for a new pair. Each is good once; a client may repeat a lost call for 15 s."""

    serializer_class = RefreshSerializer
    replayed_for = services.GRACE

    @extend_schema(responses=PairSerializer)
    def post(self, request: Request) -> Response:
        pair = services.renew_session(refresh=self.valid(request)["refresh"])
        return Response(pair._asdict(), headers={"Cache-Control": "no-store"})


class LogoutView(PublicView):
    """End the session of a refresh token; its access tokens stop working everywhere."""

    serializer_class = RefreshSerializer

    @extend_schema(responses={204: OpenApiResponse(description="Signed out")})
    def post(self, request: Request) -> Response:
        services.end_session(refresh=self.valid(request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAllView(SignedInView):
    """End all your sessions, also the one that asks; their access tokens stop working everywhere."""

    serializer_class = Serializer

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Signed out everywhere")})
    def post(self, request: Request) -> Response:
        self.valid(request)  # takes no fields
        services.end_sessions(user=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(HonestQueryMixin, mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[Session]):
    """The devices that you are signed in on."""

    serializer_class = SessionSerializer
    pagination_class = pagination.KeysetPagination
    orderings = {"created_at": None}
    default_ordering = "-created_at"
    page_key = "id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Session]:
        return Session.objects.alive().filter(user=self.request.user.pk)

    def perform_destroy(self, session: Session) -> None:
        services.end(session=session)


class JwksView(APIView):
    """RFC 7517: the keys that this service's tokens are checked with."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(keys.public_jwks(), headers={"Cache-Control": "public, max-age=300"})
