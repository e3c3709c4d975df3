"""What operators see and ask of the mirrors."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from common.admin import ServiceAdmin, change_each
from common.mirror_runs import COUNTS, request_run
from common.mirrors import mirrors
from common.models import MirrorRun

COLOURS = {"waiting": "info", "running": "info", "agrees": "success", "drift": "danger", "failed": "warning"}


class MirrorRunForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    mirror = forms.ChoiceField(choices=lambda: [(name, name) for name in mirrors()], widget=UnfoldAdminSelectWidget)

    class Meta:
        model = MirrorRun
        fields = ["mirror", "kind"]


@admin.register(MirrorRun)
class MirrorRunAdmin(ServiceAdmin):
    """Comparisons of what is mirrored here with its source. One that is added is carried out within seconds."""

    form = MirrorRunForm
    list_display = ["mirror", "kind", "result", *COUNTS, "requested_by", "requested_at", "seconds"]
    list_filter = ["mirror", "kind", "requested_at"]
    list_select_related = ["requested_by"]
    ordering = ["-id"]
    readonly_fields = [*list_display, "found", "error", "started_at", "finished_at"]
    actions = ["repair"]

    def get_fields(self, request: HttpRequest, obj: MirrorRun | None = None) -> list[str]:
        return self.readonly_fields if obj else ["mirror", "kind"]

    def get_readonly_fields(self, request: HttpRequest, obj: MirrorRun | None = None) -> list[str]:
        return self.readonly_fields if obj else []

    @display(description="result", label=COLOURS)  # type: ignore[untyped-decorator]  # unfold has no types
    def result(self, run: MirrorRun) -> str:
        return run.state

    @admin.display(description="seconds")
    def seconds(self, run: MirrorRun) -> str:
        took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
        return f"{took.total_seconds():.1f}" if took else "-"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: MirrorRun, form: Any, change: bool) -> None:
        obj.pk = request_run(mirror=obj.mirror, kind=obj.kind, by=request.user).pk

    @admin.action(description="Repair the mirrors of the selected runs", permissions=["add"])
    def repair(self, request: HttpRequest, queryset: QuerySet[MirrorRun]) -> None:
        def ask(run: MirrorRun) -> bool:
            request_run(mirror=run.mirror, kind=MirrorRun.Kind.REPAIR, by=request.user)
            return True

        change_each(self, request, queryset.order_by("mirror", "-id").distinct("mirror"), ask, "Asked to repair.")
