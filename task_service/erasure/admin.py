from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ReadOnlyAdmin, ServiceAdmin
from task_service.erasure import services
from task_service.erasure.models import Erasure, LegalHold
from task_service.user_mirror.models import User


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ["id", "user_id", "state", "reason", "done_at"]
    list_filter = ["state"]
    fields = ["id", "user_id", "state", "reason", "heard", "told", "done_at"]
    search_fields = ["=id", "=user__id"]
    ordering = ["-id"]


@admin.register(LegalHold)
class LegalHoldAdmin(ServiceAdmin):
    """Who must not be erased. A hold is placed and lifted, never edited; both are in the log."""

    list_display = ["person", "why", "since", "placed_by"]
    list_select_related = ["person", "placed_by"]
    search_fields = ["person__username", "why"]
    autocomplete_fields = ["person"]
    ordering = ["-since"]

    def get_fields(self, request: HttpRequest, obj: LegalHold | None = None) -> list[str]:
        return ["person", "why", "since", "placed_by"] if obj else ["person", "why"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        by = cast("User", request.user)
        obj.pk = services.place_hold(person=obj.person, why=obj.why, by=by).pk

    def delete_model(self, request: HttpRequest, obj: LegalHold) -> None:
        services.lift_holds(holds=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> None:
        services.lift_holds(holds=queryset)
