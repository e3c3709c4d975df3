"""CloudEvents 1.0 in JSON: how an event of the contract travels, and what is told of a body that is none."""

from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from common.events import Event, Moment


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A CloudEvent 1.0. `requestid` is an extension, `traceparent` the distributed tracing one."""

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    subject: str
    time: Moment
    datacontenttype: str
    data: msgspec.Raw
    requestid: str | None = None
    traceparent: str | None = None

    @property
    def aggregate_id(self) -> UUID | None:
        """None where the subject is no id of ours."""
        try:
            return UUID(self.subject)
        except ValueError:
            return None

    @property
    def trace_id(self) -> str:
        """Of `00-TRACE-SPAN-FLAGS`; empty where there is none."""
        parts = (self.traceparent or "").split("-")
        return parts[1] if len(parts) == 4 else ""


class BadEvent(ValueError):
    """What came is not an event of this contract; trying again can't help."""


def encode(event: Event, *, event_id: UUID, source: str, time: Moment, context: dict[str, Any]) -> bytes:
    return msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=event_id,
            source=f"/{source}",
            type=event.type,
            subject=str(event.id),
            time=time,
            datacontenttype="application/json",
            data=msgspec.Raw(msgspec.json.encode(event)),
            requestid=context.get("request_id"),
            traceparent=context.get("traceparent"),
        )
    )


def decode_envelope(body: bytes) -> Envelope:
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent(f"not a CloudEvent 1.0: {error}") from error


E = TypeVar("E", bound=Event)


def decode_event(event_type: type[E], envelope: Envelope) -> E:
    """Unknown fields are ignored: the sender may be newer."""
    try:
        return msgspec.json.decode(envelope.data, type=event_type)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadEvent(f"not a {event_type.type}: {error}") from error
