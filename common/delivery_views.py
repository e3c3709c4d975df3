"""/internal/deliveries/: what operators do in the admin, for programs that hold the service credential."""

from collections.abc import Set
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from common import deliveries
from common.authentication import ServiceAuthentication
from common.deliveries import DIRECTIONS, DONE, Direction
from common.delivery_serializers import ActionSerializer, SelectionSerializer, details, facts
from common.page_parameters import read_page_size, refuse
from common.views import HonestQueryMixin


class DeliveryView(HonestQueryMixin, GenericAPIView[Any]):
    authentication_classes = [ServiceAuthentication]
    permission_classes = [AllowAny]

    @property
    def direction(self) -> Direction:
        found = DIRECTIONS.get(self.kwargs.get("direction", "incoming"))  # none: who asks for the serializer alone
        if found is None:
            raise Http404
        return found

    def get_serializer_context(self) -> dict[str, Any]:
        return {"direction": self.direction, "action": self.kwargs.get("action")}


@extend_schema(exclude=True)
class DeliveriesView(DeliveryView):
    """GET the events, the youngest first; `after` is the id of the last one on the page before."""

    serializer_class = SelectionSerializer

    def known_query_parameters(self) -> Set[str]:
        return {"state", "type", "error", "older_than", "after", "page_size"}

    def get(self, request: Request, direction: str) -> Response:
        wanted = request.query_params.dict()
        after, size = wanted.pop("after", None), read_page_size(request)
        wanted.pop("page_size", None)
        serializer = self.get_serializer(data=wanted)
        serializer.is_valid(raise_exception=True)
        rows = deliveries.find(self.direction, **serializer.validated_data).order_by("-id")
        if after is not None:
            rows = rows.filter(id__lt=read_key(after))
        page = list(rows[: size + 1])
        link = request.build_absolute_uri()
        following = replace_query_param(link, "after", str(page[size - 1].id)) if len(page) > size else None
        return Response({"next": following, "results": [facts(self.direction, row) for row in page[:size]]})


@extend_schema(exclude=True)
class OneDeliveryView(DeliveryView):
    def get(self, request: Request, direction: str, key: int) -> Response:
        rows: Any = self.direction.model.objects
        return Response(details(self.direction, get_object_or_404(rows, id=key)))


@extend_schema(exclude=True)
class DeliveryActionView(DeliveryView):
    """POST `by`, a `reason` and which `events`: at most deliveries.MOST of them are changed by one call."""

    serializer_class = ActionSerializer

    def post(self, request: Request, direction: str, action: str) -> Response:
        if action not in DONE:
            raise Http404
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        rows = deliveries.find(self.direction, **given.pop("events"))
        return Response({"changed": deliveries.act(self.direction, action, rows, limit=deliveries.MOST, **given)})


def read_key(text: str) -> int:
    if not (len(text) < 19 and text.isascii() and text.isdigit()):
        raise refuse("after", "Give the id of an event.")
    return int(text)
