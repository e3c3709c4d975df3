"""/internal/deliveries/ on the wire: which events are meant, what is done with them, and what they are."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from common import deliveries
from common.deliveries import DIRECTIONS, MOST, Direction
from common.models import FailedEvent, OutboxEvent
from common.serializers import DateTimeField, Serializer

DETAILS = {
    "outgoing": ["version", "sent_at"],
    "incoming": ["digest", "source", "request_id", "trace_id", "settled_at", "traceback"],
}


class AgeField(serializers.CharField):
    def to_internal_value(self, data: Any) -> timedelta:  # type: ignore[override]  # DRF means str
        try:
            return deliveries.read_age(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid") from error


class SelectionSerializer(Serializer):
    """What all holds of the events that are meant."""

    state = serializers.ChoiceField(sorted({name for each in DIRECTIONS.values() for name in each.standings}))
    type = serializers.CharField(max_length=100)
    error = serializers.CharField(max_length=100)
    older_than = AgeField()
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), allow_empty=False, max_length=MOST)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields

    def validate_state(self, state: str) -> str:
        direction: Direction = self.context["direction"]
        if state not in direction.standings:
            raise serializers.ValidationError(f"Give one of {', '.join(direction.standings)}.", code="invalid_choice")
        return state


class ActionSerializer(Serializer):
    by = serializers.CharField(max_length=150)
    reason = serializers.CharField(max_length=500, required=False)
    at = DateTimeField(required=False)
    events = SelectionSerializer()

    def validate_by(self, username: str) -> Any:
        try:
            return deliveries.operator(self.context["direction"], username)
        except deliveries.NotAnOperator as error:
            raise serializers.ValidationError(str(error), code="not_an_operator") from error

    def validate_events(self, events: dict[str, Any]) -> dict[str, Any]:
        if not events:
            raise serializers.ValidationError("Say which events.", code="required")
        return events

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {"discard": "reason", "reschedule": "at"}.get(self.context["action"])
        if needed and needed not in attrs:
            raise serializers.ValidationError({needed: ErrorDetail("This is needed here.", "required")})
        if "at" in attrs and needed != "at":
            raise serializers.ValidationError({"at": ErrorDetail("Only a reschedule takes this.", "unknown")})
        return attrs


def facts(direction: Direction, row: OutboxEvent | FailedEvent) -> dict[str, Any]:
    names = ["id", "event_id", "type", "aggregate_id", "attempts", direction.since, "next_attempt_at", "error"]
    return {"state": row.standing} | {name: getattr(row, name) for name in names}


def details(direction: Direction, row: OutboxEvent | FailedEvent) -> dict[str, Any]:
    """All of it: the body as it is where it is text, else in Base64, and what operators did."""
    body = row.envelope.encode() if isinstance(row, OutboxEvent) else bytes(row.body)
    try:
        text, encoding = body.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = b64encode(body).decode(), "base64"
    more = {name: getattr(row, name) for name in DETAILS[direction.name]}
    return facts(direction, row) | more | {
        "body": text,
        "body_encoding": encoding,
        "history": [
            {"at": entry.action_time, "by": entry.user.get_username(), "message": entry.get_change_message()}
            for entry in deliveries.history(row)
        ],
    }  # fmt: skip
