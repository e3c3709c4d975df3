"""What the admin of every service shows of the events."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.models import InboxEvent, OutboxEvent


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that nobody may write by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "type", "aggregate_id", "version", "state", "created_at", "sent_at", "attempts", "error"]
    list_filter = ["state", "type"]
    search_fields = ["=aggregate_id", "=event_id"]
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "type", "received_at"]
    list_filter = ["type"]
    search_fields = ["=event_id"]
    ordering = ["-received_at"]
    show_full_result_count = False
