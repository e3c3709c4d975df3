"""What a change of an event's schema breaks: who reads the new event with the old code, or an old event with the new.

Both happen. A deployment is rolling, so old consumers get new events; outbox rows, retries, dead letters and a rebuilt
mirror are old events for new consumers. So an event may only get new fields, each with a default, and other words.
"""

from typing import Any

Schema = dict[str, Any]
WORDS = {"title", "description", "$id", "$schema"}


def breaks(old: Schema, new: Schema, at: str = "") -> list[str]:
    """Say what the change breaks, field by field; nothing if every event of either is an event of the other."""
    if "properties" not in old or "properties" not in new:
        changed = _meaning(old) != _meaning(new)
        return [f"{at} was {_meaning(old)} and is {_meaning(new)}: one of both is refused"] if changed else []
    found = []
    for field in sorted(old["properties"].keys() | new["properties"].keys()):
        name = f"{at}.{field}" if at else field
        was, is_now = (field in schema.get("required", ()) for schema in (old, new))
        if field not in new["properties"]:
            found.append(f"{name} is gone: who reads it wants it")
        elif field not in old["properties"]:
            found += [f"{name} is new and has no default: events that were told before lack it"] if is_now else []
        elif is_now != was:
            lacking = "events that were told before may lack it" if is_now else "who reads it wants it"
            found.append(f"{name} {'must' if is_now else 'need not'} be there now: {lacking}")
        else:
            found += breaks(old["properties"][field], new["properties"][field], name)
    return found


def _meaning(schema: Any) -> Any:
    """Return the schema without its words, which nobody's decoder reads; a field may have the name of one."""
    if isinstance(schema, list):
        return [_meaning(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _meaning(each) for name, each in schema.items() if name not in WORDS}
    fields = schema.get("properties", {})
    return found | {"properties": {name: _meaning(each) for name, each in fields.items()}} if fields else found
