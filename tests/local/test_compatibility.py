"""Which changes of an event break somebody. A witness is a message that only one of old and new takes."""

import json
from dataclasses import field, make_dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import pytest

from local.compatibility import breaks
from local.contracts import schema_of

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
FIELDS = {
    "id": (UUID,),
    "title": (str,),
    "status": (Literal["todo", "done"],),
    "due_at": (Moment | None,),
    "labels": (list[str],),
    "priority": (str, field(default="none")),
}
MESSAGE = {
    "id": "01a2073f-0e21-713e-9831-f4e487c5bee2",
    "title": "Paint the door",
    "status": "todo",
    "due_at": "2030-06-01T12:00:00Z",
    "labels": ["home"],
    "priority": "high",
}


def event(**changes):
    fields = {name: told for name, told in (FIELDS | changes).items() if told is not None}
    return make_dataclass("TaskMoved", [(name, *told) for name, told in fields.items()], kw_only=True, frozen=True)


def takes(kind, message):
    try:
        msgspec.json.decode(json.dumps(message), type=kind)
    except msgspec.ValidationError:
        return False
    return True


def without(name):
    return {key: value for key, value in MESSAGE.items() if key != name}


# What changes: (the fields, what is said of it, the witness).
INCOMPATIBLE = {
    "a field goes": ({"title": None}, "title is gone", without("title")),
    "a new field has no default": ({"project": (UUID,)}, "project is new and has no default", MESSAGE),
    "a field gets another name": ({"title": None, "name": (str,)}, "name is new and has no default", MESSAGE),
    "a field gets another type": ({"title": (int,)}, "title was", MESSAGE),
    "an item gets another type": ({"labels": (list[UUID],)}, "labels was", MESSAGE),
    "a type narrows": ({"due_at": (Moment,)}, "due_at was", MESSAGE | {"due_at": None}),
    "a type widens": ({"title": (str | None,)}, "title was", MESSAGE | {"title": None}),
    "a format comes": ({"title": (Moment,)}, "title was", MESSAGE),
    "a bound comes": ({"title": (Annotated[str, msgspec.Meta(max_length=5)],)}, "title was", MESSAGE),
    "an enum narrows": ({"status": (Literal["todo"],)}, "status was", MESSAGE | {"status": "done"}),
    "an enum widens": ({"status": (Literal["todo", "done", "lost"],)}, "status was", MESSAGE | {"status": "lost"}),
    "an optional field must be there": ({"priority": (str,)}, "priority must be there now", without("priority")),
    "a field need not be there": ({"title": (str, field(default=""))}, "title need not be there", without("title")),
}


@pytest.mark.parametrize("what", INCOMPATIBLE)
def test_what_breaks_somebody_is_said(what):
    changes, said, witness = INCOMPATIBLE[what]
    old, new = event(), event(**changes)
    assert takes(old, witness) != takes(new, witness)
    found = breaks(schema_of(old, "a"), schema_of(new, "a"))
    assert found
    assert any(reason.startswith(said) for reason in found)


def test_a_missing_field_that_means_something_else_now_breaks_who_told_it():
    found = breaks(schema_of(event(), "a"), schema_of(event(priority=(str, field(default="low"))), "a"))
    assert [reason.partition(" ")[0] for reason in found] == ["priority"]


def test_an_optional_field_that_goes_breaks_who_reads_it():
    found = breaks(schema_of(event(), "a"), schema_of(event(priority=None), "a"))
    assert found == ["priority is gone: who reads it wants it"]


COMPATIBLE = {
    "nothing changes": {},
    "a new field has a default": {"project": (UUID | None, field(default=None))},
    "a new list is empty by default": {"watchers": (list[UUID], field(default_factory=list))},
    "a type says more about itself": {"title": (Annotated[str, msgspec.Meta(description="In one line.")],)},
}


@pytest.mark.parametrize("what", COMPATIBLE)
def test_what_breaks_nobody_is_let_through(what):
    old, new = event(), event(**COMPATIBLE[what])
    assert breaks(schema_of(old, "a"), schema_of(new, "a")) == []
    told = msgspec.json.decode(json.dumps(MESSAGE), type=new)
    assert takes(new, MESSAGE)
    assert takes(old, msgspec.to_builtins(told))


def test_the_order_of_fields_and_the_docstring_are_nobody_s_business():
    turned = make_dataclass("TaskMoved", [(name, *FIELDS[name]) for name in reversed(FIELDS)], kw_only=True)
    turned.__doc__ = "Another sentence."
    assert breaks(schema_of(event(), "a"), schema_of(turned, "a")) == []


def test_a_field_within_a_field_is_looked_at_too():
    place, empty = make_dataclass("Place", [("title", str)]), make_dataclass("Place", [])
    old, new = schema_of(event(place=(place,)), "a"), schema_of(event(place=(empty,)), "a")
    assert breaks(old, new) == ["place.title is gone: who reads it wants it"]


def test_a_field_of_a_list_s_items_is_looked_at_too():
    place, elsewhere = make_dataclass("Place", [("title", str)]), make_dataclass("Place", [("title", int)])
    old, new = (schema_of(event(places=(list[kind],)), "a") for kind in (place, elsewhere))
    assert [reason.partition(" ")[0] for reason in breaks(old, new)] == ["places"]
