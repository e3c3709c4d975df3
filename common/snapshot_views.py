"""A snapshot by HTTP, for the services that mirror it. Every answer has a bound: see digests.py and snapshots.py."""

from collections.abc import Callable, Set
from typing import TypeVar
from uuid import UUID

import msgspec
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from common import outbox
from common.authentication import ServiceAuthentication
from common.digests import ROWS, Comparable
from common.page_parameters import refuse
from common.snapshots import IDS, RowsAnswer, Snapshot, snapshots
from common.views import HonestQueryMixin

Value = TypeVar("Value")


@extend_schema(exclude=True)
class SnapshotView(HonestQueryMixin, APIView):
    authentication_classes = [ServiceAuthentication]
    permission_classes = [AllowAny]
    parameters: Set[str]

    def known_query_parameters(self) -> Set[str]:
        return self.parameters

    def snapshot(self) -> Snapshot:
        try:
            return snapshots()[self.kwargs["name"]]
        except KeyError:
            raise Http404 from None

    def comparable(self) -> Comparable:
        snapshot, fields = self.snapshot(), self.listed("fields", str)
        if not fields or not set(fields).issubset(snapshot.fields):
            raise refuse("fields", f"Name some of {', '.join(sorted(snapshot.fields))}.")
        return snapshot.comparable(fields)

    def listed(self, parameter: str, read: Callable[[str], Value]) -> list[Value]:
        try:
            return [read(text) for text in self.request.query_params.get(parameter, "").split(",") if text]
        except ValueError:
            raise refuse(parameter, "Give UUIDs, with commas between.") from None

    def one(self, parameter: str) -> UUID | None:
        return next(iter(self.listed(parameter, UUID)), None)

    def ids(self) -> list[UUID]:
        ids = self.listed("ids", UUID)
        if len(ids) > IDS:
            raise refuse("ids", f"Give at most {IDS}.")
        return ids


class Digests(SnapshotView):
    """A page of ranges from `start` on."""

    parameters = frozenset({"fields", "start"})

    def get(self, request: Request, name: str) -> HttpResponse:
        return answer(self.comparable().page(self.one("start")))


class Rows(SnapshotView):
    """Rows of ids, with what may still be on its way of `types`; or the first rows of the window [start, end)."""

    parameters = frozenset({"fields", "start", "end", "ids", "types"})

    def get(self, request: Request, name: str) -> HttpResponse:
        if ids := self.ids():
            rows = self.comparable().among(ids)
            last_told = outbox.last_told(self.listed("types", str))
            return answer(RowsAnswer(rows, outbox.owed(ids), last_told))
        return answer(RowsAnswer(self.comparable().within(self.one("start"), self.one("end"), ROWS)))


class Events(SnapshotView):
    """The present state of ids, or a page of all from `start` on."""

    parameters = frozenset({"start", "ids"})

    def get(self, request: Request, name: str) -> HttpResponse:
        ids = self.ids()
        return answer(self.snapshot().tell(ids) if ids else self.snapshot().tell_from(self.one("start")))


def answer(body: object) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")
