"""A small service of nothing but what `common` gives: the URLs of these tests."""

import select

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from common.problems import Unavailable
from common.serializers import Serializer
from common.views import HonestQueryMixin


class StepSerializer(Serializer):
    text = serializers.CharField(max_length=10)


class PlanSerializer(Serializer):
    title = serializers.CharField(max_length=10)
    owner = StepSerializer(required=False)
    steps = StepSerializer(many=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=3), required=False)
    at = serializers.DateTimeField(read_only=True)

    def validate(self, attrs):
        if attrs["title"] == "odd":
            raise serializers.ValidationError("The whole is odd.", code="odd")
        return attrs


class Who(HonestQueryMixin, APIView):
    def known_query_parameters(self):
        return frozenset({"colour"})

    def get(self, request):
        return Response({"username": request.user.username, "id": str(request.user.pk)})

    def post(self, request):
        return Response({"username": request.user.username}, 201)


class Scoped(Who):
    scope = "tasks"
    put = patch = delete = Who.post


class Plans(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request):
        serializer = PlanSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class Groups(HonestQueryMixin, APIView):
    """POST makes a group; one that is called as an error of these is made, and then the error is raised."""

    permission_classes = [AllowAny]

    def post(self, request):
        group = Group.objects.create(name=request.data["name"])
        if group.name in ERRORS:
            raise ERRORS[group.name]
        headers = {"Location": f"/api/groups/{group.pk}/", "ETag": '"1"', "Cache-Control": "no-store"}
        return Response({"name": group.name, "id": group.pk, "none": None, "half": 0.5}, 201, headers=headers)


class Empty(Groups):
    def post(self, request):
        super().post(request)
        return Response(status=204)


ERRORS = {
    "broken": RuntimeError("a secret detail"),
    "database": OperationalError("connection refused"),
    "forbidden": PermissionDenied(),
    "missing": Http404(),
    "suspicious": SuspiciousOperation("odd header"),
    "unavailable": Unavailable(),
    "invalid": DjangoValidationError({"title": DjangoValidationError("Taken.", code="unique")}),
    "whole": DjangoValidationError("All of it.", code="odd"),
}


class Raises(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request, name):
        raise ERRORS[name]


def raises(request, name):
    raise ERRORS[name]


def idles(request):
    """In a transaction for longer than the database bears."""
    with transaction.atomic():
        outstay(connection)
        connection.cursor().execute("SELECT 1")


def outstay(connection):
    """Wait until PostgreSQL ends the session for being idle in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
    select.select([connection.connection.fileno()], [], [], 10)


def accepts(request):
    return HttpResponse(f"accepted at {request.get_host()}")


urlpatterns = [
    path("api/who/", Who.as_view()),
    path("api/groups/", Groups.as_view()),
    path("api/groups/empty/", Empty.as_view()),
    path("api/scoped/", Scoped.as_view()),
    path("api/plans/", Plans.as_view()),
    path("api/raises/<name>/", Raises.as_view()),
    path("raises/<name>/", raises),
    path("accepts/", accepts),
    path("idles/", idles),
    path("", include("rest_framework.urls")),
    path("", include("common.urls")),
]
handler400 = "common.problems.bad_request"
handler403 = "common.problems.permission_denied"
handler404 = "common.problems.not_found"
handler500 = "common.problems.server_error"
