from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from user_service.tokens.serializers import PasswordSerializer, ResetRequestSerializer, ResetSerializer
from user_service.tokens.views import PublicView, SignedInView
from user_service.users import services as users


class PasswordView(SignedInView):
    """Change your password. All your other sessions end."""

    serializer_class = PasswordSerializer

    @extend_schema(responses={204: OpenApiResponse(description="Changed")})
    def post(self, request: Request) -> Response:
        password = self.valid(request)["new_password"]
        users.set_password(user=self.user, password=password, keep=self.session)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResetRequestView(PublicView):
    """Ask for a mail with a token that sets a new password. The answer is the same whether the address is known or not.

    At most three mails an hour go to the same person.
    """

    serializer_class = ResetRequestSerializer

    @extend_schema(responses={202: OpenApiResponse(description="If the address is known, a mail is on its way")})
    def post(self, request: Request) -> Response:
        users.request_password_reset(**self.valid(request))
        detail = "If an account has this address, a mail is on its way to it."
        return Response({"detail": detail}, status.HTTP_202_ACCEPTED)


class ResetView(PublicView):
    """Set a new password by a mailed token. All sessions end."""

    serializer_class = ResetSerializer

    @extend_schema(responses={204: OpenApiResponse(description="Set")})
    def post(self, request: Request) -> Response:
        fields = self.valid(request)
        users.reset_password(token=fields["token"], password=fields["new_password"])
        return Response(status=status.HTTP_204_NO_CONTENT)
