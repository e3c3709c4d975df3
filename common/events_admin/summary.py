"""What the first page of an admin says of events: how many want a person, and since when the oldest is owed."""

from typing import Any

from django.urls import reverse

from common import deliveries
from common.deliveries import DIRECTIONS, MOST, Direction
from common.events_admin.words import COLOURS, age

SHOWN = {"outgoing": ["parked", "retrying"], "incoming": ["dead", "retrying"]}


def summary(user: Any) -> list[dict[str, Any]]:
    """Return a line for each direction that the person may look at. Every count ends at MOST and has an index."""
    seen = [each for each in DIRECTIONS.values() if user.has_perm(f"common.view_{each.model._meta.model_name}")]
    return [
        {
            "title": str(direction.model._meta.verbose_name_plural).capitalize(),
            "standings": [standing(direction, name) for name in SHOWN[direction.name]],
            "oldest": oldest(direction),
        }
        for direction in seen
    ]


def oldest(direction: Direction) -> str:
    since = deliveries.oldest_owed() if direction is deliveries.OUTGOING else None
    return f"The oldest waits for {age(since)}." if since else ""


def standing(direction: Direction, name: str) -> dict[str, Any]:
    count = deliveries.count(direction.model.objects.filter(direction.standings[name]))
    link = reverse(f"admin:common_{direction.model._meta.model_name}_changelist")
    return {
        "text": f"{count}{'+' if count == MOST else ''} {name}",
        "link": f"{link}?state={name}",
        "colour": COLOURS[name] if count else "",
    }
