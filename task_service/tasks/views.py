from collections.abc import Callable
from typing import Any, cast

from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from common import pagination
from common.concurrency import require_match, with_etag
from common.rendering import RenderedJSON
from common.serializers import Serializer
from common.views import HonestQueryMixin
from task_service.tasks import services, wire
from task_service.tasks.filters import TaskFilter
from task_service.tasks.models import NO_DATE, PRIORITY_RANK, Task
from task_service.tasks.serializers import REPLACED, TaskSerializer
from task_service.user_mirror.models import User


class TaskViewSet(HonestQueryMixin, viewsets.ModelViewSet[Task]):
    """Tasks that you created or that are assigned to you."""

    serializer_class = TaskSerializer
    scope = "tasks"
    filterset_class = TaskFilter
    pagination_class = pagination.KeysetPagination
    orderings = {
        "created_at": None,
        "updated_at": F("updated_at"),
        "due_at": Coalesce("due_at", Value(NO_DATE), output_field=DateTimeField()),
        "priority": PRIORITY_RANK,
        "title": F("title"),
    }
    default_ordering = "-created_at"
    page_key = "place"
    lookup_value_converter = "uuid"

    @property
    def person(self) -> User:
        return cast("User", self.request.user)  # IsAuthenticated has passed

    def get_queryset(self) -> QuerySet[Task]:
        tasks = Task.objects.visible_to(self.request.user.pk).prefetch_related("participants")
        return tasks if self.action == "list" else tasks.in_place()  # of a list, the filter `trashed` says

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.accepted_renderer.format != "json" or not request.query_params.keys() <= {"cursor", "page_size"}:
            return super().list(request, *args, **kwargs)
        page = pagination.KeysetPagination()
        page.read(request, self)
        if page.backwards:
            return super().list(request, *args, **kwargs)
        rows = wire.newest(user_id=self.person.pk, after=page.after(wire.FIRST), limit=page.size + 1)
        rows = page.cut(rows, position=lambda row: ("", row.id))
        return Response(page.rendered([row.json for row in rows]))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.accepted_renderer.format != "json":
            return super().retrieve(request, *args, **kwargs)
        row = wire.one(user_id=self.person.pk, task_id=self.kwargs["pk"])
        if row is None:
            raise Http404
        return with_etag(request, Response(RenderedJSON(row.json.encode())), row.version)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        task = services.create_task(by=self.person, **serializer.validated_data)
        serializer.instance = task
        response = with_etag(request, Response(serializer.data, status=201), task.version)
        response["Location"] = f"/api/v1/tasks/{task.pk}/"
        return response

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        task, partial = self.get_object(), kwargs.get("partial", False)
        serializer = self.get_serializer(task, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        changes = serializer.validated_data if partial else REPLACED | serializer.validated_data
        return self.answer(services.update_task(task=task, changes=changes, check=self.check_match))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        task = self.get_object()
        if task.created_by_id != request.user.pk:
            raise PermissionDenied("Only who created a task may delete it.")
        services.delete_task(task=task, check=self.check_match)
        return Response(status=204)

    @extend_schema(request=None, responses=TaskSerializer)
    @action(detail=True, methods=["post"], serializer_class=Serializer)
    def complete(self, request: Request, pk: Any) -> Response:
        return self.change(services.complete_task)

    @extend_schema(request=None, responses=TaskSerializer)
    @action(detail=True, methods=["post"], serializer_class=Serializer)
    def reopen(self, request: Request, pk: Any) -> Response:
        return self.change(services.reopen_task)

    def change(self, service: Callable[..., Task]) -> Response:
        self.get_serializer(data=self.request.data).is_valid(raise_exception=True)  # takes no fields
        return self.answer(service(task=self.get_object(), check=self.check_match))

    def check_match(self, task: Task) -> None:
        require_match(self.request, task.version)

    def answer(self, task: Task, status: int = 200) -> Response:
        data = TaskSerializer(task, context=self.get_serializer_context()).data
        return with_etag(self.request, Response(data, status=status), task.version)
