"""The pages of outgoing events, incoming failures and incoming events."""

from typing import Any

from django.contrib import admin
from django.db.models import Max, Q
from django.urls import reverse
from django.utils.html import format_html

from common.deliveries import INCOMING, OUTGOING
from common.events_admin.actions import DeliveryAdmin, LongListAdmin, block
from common.events_admin.filters import AgeFilter, TypeFilter
from common.events_admin.payloads import readable
from common.models import FailedEvent, InboxEvent, OutboxEvent

READ = 100_000  # outgoing events whose text a search reads


def link_to(row: Any, text: str) -> str:
    url = reverse(f"admin:common_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="text-primary-600 dark:text-primary-500 underline" href="{}">{}</a>', url, text)


@admin.register(OutboxEvent)
class OutboxEventAdmin(DeliveryAdmin):
    direction, since = OUTGOING, OUTGOING.since
    orders = {"retrying": "next_attempt_at", "discarded": "-created_at"}
    search_help_text = f"The id of an event or aggregate; of a request or trace among the last {READ:,}"
    list_display = ["type", "aggregate_id", "standing", "attempts", "next_attempt_at", "age", "short_error"]
    fieldsets = [
        (None, {"fields": ["event_id", "type", "aggregate_id", "version", "whole_error"]}),
        ("Delivery", {"fields": ["created_at", "sent_at", "attempts", "next_attempt_at"]}),
        ("Message", {"fields": ["message"]}),
    ]
    readonly_fields = ["standing", "whole_error", "message"]

    def mentions(self, term: str) -> Q:
        """The text of every envelope would take longer to read than a statement may."""
        last = OutboxEvent.objects.aggregate(id=Max("id"))["id"] or 0
        named = Q(envelope__contains=f'"requestid":"{term}"') | Q(envelope__contains=f"-{term}-")
        return super().mentions(term) | Q(id__gt=last - READ) & named

    @admin.display(description="CloudEvent")
    def message(self, event: OutboxEvent) -> str:
        return block(readable(event.envelope.encode()), "body")


@admin.register(FailedEvent)
class FailedEventAdmin(DeliveryAdmin):
    direction, since = INCOMING, INCOMING.since
    orders = {"retrying": "next_attempt_at"}
    list_display = ["what", "event_id", "standing", "attempts", "next_attempt_at", "age", "short_error"]
    fieldsets = [
        (None, {"fields": ["type", "event_id", "took_effect", "aggregate_id", "source", "request_id", "trace_id"]}),
        ("Error", {"fields": ["whole_error", "trace"]}),
        ("Delivery", {"fields": ["failed_at", "attempts", "next_attempt_at", "settled_at"]}),
        ("Message", {"fields": ["digest", "message"]}),
    ]
    readonly_fields = ["standing", "took_effect", "whole_error", "trace", "message"]

    def mentions(self, term: str) -> Q:
        return super().mentions(term) | Q(request_id=term) | Q(trace_id=term)

    @admin.display(description="type")
    def what(self, event: FailedEvent) -> str:
        return event.type or "unreadable message"

    @admin.display(description="took effect")
    def took_effect(self, event: FailedEvent) -> str:
        row = InboxEvent.objects.filter(event_id=event.event_id).first() if event.event_id else None
        if row is None:
            return "not yet"
        is_of_discard = event.state == FailedEvent.State.DISCARDED and row.received_at == event.settled_at
        return link_to(row, "never" if is_of_discard else f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC")

    @admin.display(description="traceback")
    def trace(self, event: FailedEvent) -> str:
        return block(event.traceback, "traceback") if event.traceback else "-"

    @admin.display(description="body")
    def message(self, event: FailedEvent) -> str:
        return block(readable(bytes(event.body)), "body")


@admin.register(InboxEvent)
class InboxEventAdmin(LongListAdmin):
    """What took effect here, or never will: a discarded failure has a row, too."""

    since = "received_at"
    list_display = ["event_id", "type", "received_at"]
    list_filter = [TypeFilter, AgeFilter]
    search_fields = ["=event_id"]
    search_help_text = "The id of an event"
    ordering = ["-received_at"]
    fields = ["event_id", "type", "received_at", "failure"]
    readonly_fields = ["failure"]

    @admin.display(description="incoming failure")
    def failure(self, event: InboxEvent) -> str:
        row = FailedEvent.objects.filter(event_id=event.event_id).first()
        return link_to(row, row.standing) if row else "none"
