from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from common.concurrency import with_etag
from user_service.second_factor import services
from user_service.second_factor.models import SecondFactor
from user_service.second_factor.serializers import (
    BeginSerializer,
    CodeSerializer,
    EnrolmentSerializer,
    RecoveryCodesSerializer,
    StateSerializer,
    TurnOffSerializer,
)
from user_service.tokens.views import SignedInView

NO_STORE = {"Cache-Control": "no-store"}


class SecondFactorView(SignedInView):
    """Your authenticator app. Begin it with your password, turn it on with its first code, off with both."""

    serializers = {"POST": BeginSerializer, "DELETE": TurnOffSerializer}

    def get_serializer_class(self) -> Any:
        return self.serializers.get(self.request.method or "", StateSerializer)

    @extend_schema(responses=StateSerializer)
    def get(self, request: Request) -> Response:
        factor = SecondFactor.objects.enabled().filter(user=self.user).first()
        left = len(factor.recovery_codes) if factor else 0
        body = {"enabled": factor is not None, "recovery_codes_left": left}
        return with_etag(request, Response(body), f"{factor is not None}-{left}")

    @extend_schema(request=BeginSerializer, responses=EnrolmentSerializer)
    def post(self, request: Request) -> Response:
        self.valid(request)
        return Response(services.begin(user=self.user)._asdict(), headers=NO_STORE)

    @extend_schema(request=TurnOffSerializer, responses={204: OpenApiResponse(description="Turned off")})
    def delete(self, request: Request) -> Response:
        if not SecondFactor.objects.guards(self.user):
            raise services.WrongState("Your second factor is not on.", code="second_factor_off")
        self.valid(request)
        services.turn_off(user=self.user, session=self.session)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RecoveryCodesView(SignedInView):
    """Get new recovery codes for a code of the app, or one of those left. The old ones are void."""

    serializer_class = CodeSerializer

    @extend_schema(responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        if not SecondFactor.objects.guards(self.user):
            raise services.WrongState("Your second factor is not on.", code="second_factor_off")
        self.valid(request)
        return Response({"recovery_codes": services.renew_recovery_codes(user=self.user)}, headers=NO_STORE)


class TurnOnView(SignedInView):
    """Turn on the second factor by the first code of the app. All your other sessions end."""

    serializer_class = CodeSerializer

    @extend_schema(responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        if services.begun(user=self.user) is None:
            raise services.WrongState("Begin with POST auth/second-factor/.", code="second_factor_not_begun")
        self.valid(request)
        codes = services.turn_on(user=self.user, session=self.session)
        return Response({"recovery_codes": codes}, headers=NO_STORE)
