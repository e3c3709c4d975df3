"""What the admin tells operators about events: what a state means, and what an action will do."""

from datetime import datetime

from django.utils import timezone

from common.models import FailedEvent, OutboxEvent

COLOURS = {"parked": "danger", "dead": "danger", "retrying": "warning", "waiting": "info", "sent": "success"}
COLOURS |= {"done": "success", "discarded": "primary"}
MEANING = {
    "outgoing": {
        "parked": "The broker refused it again and again. Later events of its aggregate wait until it is redriven or "
        "discarded.",
        "retrying": "It could not go yet and is tried again by itself. Later events of its aggregate wait with it.",
        "waiting": "It goes with the relay's next batch. If it stays here, the relay does not run or waits for the "
        "broker.",
        "sent": "The broker has confirmed it. Redriven, it is sent once more; who had it already drops it.",
        "discarded": "It is never sent.",
    },
    "incoming": {
        "dead": "It failed and is not tried any more. Mend the cause, then redrive it; or discard it.",
        "retrying": "It failed and is tried again by itself.",
        "done": "It failed at first and has taken effect since.",
        "discarded": "It never takes effect here.",
    },
}
CONSEQUENCE = {
    "outgoing": {
        "reschedule": "The relay sends it at that time. Until then, later events of its aggregate wait.",
        "discard": "A discarded event is never sent to anybody. The others do not learn what it tells until the "
        "aggregate's next event, or until their mirrors are repaired. This can't be undone.",
    },
    "incoming": {
        "reschedule": "It is tried at that time.",
        "discard": "A discarded message never takes effect here, not even when it is delivered again. What it tells is "
        "not known here until the aggregate's next event, or until the mirror is repaired. This can't be undone.",
    },
}
QUESTION = {"reschedule": "Change the schedule", "discard": "Discard"}
BUTTONS = {"redrive": "Redrive now", "reschedule": "Reschedule …", "discard": "Discard …"}
OFFERED = {"sent": ["redrive", "reschedule"], "waiting": ["reschedule", "discard"], "done": [], "discarded": []}


def age(moment: datetime) -> str:
    """Say in its largest unit how long ago it was."""
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def offered(row: OutboxEvent | FailedEvent) -> list[tuple[str, str]]:
    """Return the actions that its state allows, with what their buttons say."""
    return [(action, BUTTONS[action]) for action in OFFERED.get(row.standing, list(BUTTONS))]
