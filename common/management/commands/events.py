"""Looks at events that went wrong and mends them: the admin's pages, for a shell."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.utils.encoders import JSONEncoder

from common import deliveries
from common.deliveries import DIRECTIONS, DONE, Direction
from common.delivery_serializers import details, facts
from common.events_admin import words
from common.events_admin.payloads import readable

NEEDS = {"list": [], "show": ["id"], "redrive": ["by"], "reschedule": ["by", "at"], "discard": ["by", "reason"]}
FILTERS = {"state": "state", "type": "type", "error": "error", "older_than": "older_than", "id": "ids"}
WIDTHS = {"id": 8, "state": 9, "type": 22, "event_id": 36, "attempts": 8, "next_attempt_at": 19, "age": 10, "error": 60}


class Command(BaseCommand):
    help = "List, show, redrive, reschedule or discard events that went wrong. A change says --by whom, and is logged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=list(NEEDS))
        direction = parser.add_mutually_exclusive_group(required=True)
        for name in DIRECTIONS:
            direction.add_argument(f"--{name}", dest="direction", action="store_const", const=DIRECTIONS[name])
        states = "; ".join(f"{name}: {', '.join(each.standings)}" for name, each in DIRECTIONS.items())
        parser.add_argument("--state", help=states)
        parser.add_argument("--type")
        parser.add_argument("--error", help="how the error begins")
        parser.add_argument("--older-than", type=age, help="90s, 15m, 1h or 2d")
        parser.add_argument("--id", type=int, action="append", help="of the row here; may be given again")
        parser.add_argument("--limit", type=int, default=50, help="how many a list shows, the youngest first; 50")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--by", help="the username of an operator of this service")
        parser.add_argument("--reason", default="")
        parser.add_argument("--at", type=moment, help="when to try again, such as 2027-01-08T15:00:00Z")

    def handle(self, *args: Any, direction: Direction, action: str, **options: Any) -> None:
        for name in NEEDS[action]:
            if not options[name]:
                raise CommandError(f"{action} needs --{name}")
        if options["at"] and action != "reschedule":
            raise CommandError(f"{action} takes no --at")
        rows = self.find(direction, options)
        if action == "list":
            self.tell_all(direction, rows.order_by("-id")[: options["limit"]], as_json=options["json"])
        elif action == "show":
            self.tell(direction, rows.defer(None), as_json=options["json"])
        else:
            self.change(direction, action, rows, options)

    def find(self, direction: Direction, options: dict[str, Any]) -> Any:
        wanted = {FILTERS[name]: options[name] for name in FILTERS if options[name] not in (None, "")}
        if options["state"] and options["state"] not in direction.standings:
            raise CommandError(f"--state must be one of {', '.join(direction.standings)}")
        rows = deliveries.find(direction, **wanted)
        gone = set(options["id"] or []) - set(rows.values_list("id", flat=True) if options["id"] else [])
        if gone:
            raise CommandError(f"Not there: {', '.join(map(str, sorted(gone)))}")
        if options["by"] and not wanted:
            raise CommandError("Say which: --state, --type, --error, --older-than or --id")
        return rows

    def tell_all(self, direction: Direction, rows: Any, *, as_json: bool) -> None:
        found = [facts(direction, row) for row in rows]
        if as_json:
            self.stdout.write(JSONEncoder(indent=2).encode(found))
            return
        self.stdout.write(line({name: name.replace("_", " ") for name in WIDTHS}))
        for row in found:
            due = f"{row['next_attempt_at']:%Y-%m-%d %H:%M:%S}" if row["next_attempt_at"] else ""
            short = {"next_attempt_at": due, "age": words.age(row[direction.since])}
            self.stdout.write(line(row | short | {"error": row["error"].partition("\n")[0]}))

    def tell(self, direction: Direction, rows: Any, *, as_json: bool) -> None:
        found = [details(direction, row) for row in rows]
        if as_json:
            self.stdout.write(JSONEncoder(indent=2).encode(found))
            return
        for row in found:
            body, trace, history = row.pop("body"), row.pop("traceback", ""), row.pop("history")
            for name, value in row.items():
                self.stdout.write(f"{name:16} {'' if value is None else value}")
            for entry in history:
                self.stdout.write(f"{'history':16} {entry['at']:%Y-%m-%d %H:%M:%S} {entry['by']}: {entry['message']}")
            self.stdout.write(f"\n{trace}\n{readable(body.encode())}\n")

    def change(self, direction: Direction, action: str, rows: Any, options: dict[str, Any]) -> None:
        given = {"reason": options["reason"], "at": options["at"]}
        try:
            by = deliveries.operator(direction, options["by"])
        except deliveries.NotAnOperator as error:
            raise CommandError(str(error)) from error
        changed = deliveries.act(direction, action, rows, by=by, **given)
        said = JSONEncoder().encode({"changed": changed}) if options["json"] else f"{DONE[action]}: {changed}."
        self.stdout.write(said)


def line(row: dict[str, Any]) -> str:
    """A row of the table, without a control character: an error may hold any."""
    cells = [f"{'' if row[name] is None else row[name]!s:{width}.{width}}" for name, width in WIDTHS.items()]
    return "".join(c if c.isprintable() else " " for c in "  ".join(cells)).rstrip()


def age(text: str) -> timedelta:
    try:
        return deliveries.read_age(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time such as 2027-01-08T15:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
