"""manage.py events: the same for a shell."""

import json

import pytest
from django.core.management import CommandError, call_command

from common.deliveries import DIRECTIONS
from common.models import FailedEvent
from tests.common.operating import fail, go_wrong, keep, park, rows_of

BOTH = pytest.mark.parametrize("direction", DIRECTIONS)


@pytest.fixture
def events(capsys):
    def run(*words):
        call_command("events", *map(str, words))
        return capsys.readouterr().out

    return run


@BOTH
def test_a_list_is_a_line_for_each_the_youngest_first(db, heard, events, direction):
    rows = go_wrong(direction, 3)
    head, *lines = events("list", f"--{direction}", "--limit", 2).splitlines()
    assert head.split()[:3] == ["id", "state", "type"]
    assert [int(line.split()[0]) for line in lines] == [rows[2].id, rows[1].id]
    assert rows[2].error in lines[0]


def test_no_error_breaks_its_line(db, heard, events):
    keep(b"{")
    FailedEvent.objects.update(error="two\nlines \x1b[31mred")
    _, line = events("list", "--incoming").splitlines()
    assert line.endswith("two")
    FailedEvent.objects.update(error="a\tb \x1b[31mred")
    _, line = events("list", "--incoming").splitlines()
    assert line.endswith("a b  [31mred")


@BOTH
def test_a_list_in_json_is_what_the_api_tells(db, heard, events, direction):
    (row,) = go_wrong(direction)
    (told,) = json.loads(events("list", f"--{direction}", "--json"))
    assert (told["id"], told["event_id"], told["state"]) == (row.id, str(row.event_id), row.standing)


@BOTH
def test_one_is_shown_whole_with_its_history(olga, heard, events, direction):
    (row,) = go_wrong(direction)
    events("discard", f"--{direction}", "--id", row.id, "--by", "olga", "--reason", "made by a test")
    shown = events("show", f"--{direction}", "--id", row.id)
    assert '"specversion": "1.0"' in shown
    assert "olga: Discarded: made by a test" in shown
    assert str(row.event_id) in shown
    (told,) = json.loads(events("show", f"--{direction}", "--id", row.id, "--json"))
    assert told["history"][0]["by"] == "olga"


def test_a_failure_is_shown_with_its_traceback(db, heard, events):
    (row,) = fail("poison")
    assert 'raise RuntimeError("this handler fails")' in events("show", "--incoming", "--id", row.id)


@BOTH
def test_what_is_meant_is_redriven(olga, heard, events, direction):
    go_wrong(direction, 2)
    state = next(iter(DIRECTIONS[direction].standings))
    said = events("redrive", f"--{direction}", "--state", state, "--type", "user.registered", "--by", "olga")
    assert said == "Redriven: 2.\n"
    assert {row.standing for row in rows_of(direction)} == {"retrying"}


def test_a_schedule_is_edited(olga, heard, events):
    (row,) = fail("poison")
    at = ("--at", "2031-01-02T03:04:05")
    assert json.loads(events("reschedule", "--incoming", "--id", row.id, "--by", "olga", *at, "--json")) == {
        "changed": 1
    }
    row.refresh_from_db()
    assert f"{row.next_attempt_at:%Y-%m-%d %H:%M:%S %Z}" == "2031-01-02 03:04:05 UTC"


def test_what_is_old_is_found_by_its_age(olga, events):
    park()
    for age, changed in (("1h", 0), ("0s", 1)):
        assert events("redrive", "--outgoing", "--older-than", age, "--by", "olga") == f"Redriven: {changed}.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list"], "one of the arguments --outgoing --incoming is required"),
        (["list", "--incoming", "--outgoing"], "not allowed with argument"),
        (["forget", "--incoming"], "invalid choice"),
        (["list", "--incoming", "--state", "parked"], "--state must be one of dead, retrying, done, discarded"),
        (["list", "--incoming", "--older-than", "soon"], "is no age"),
        (["show", "--incoming"], "show needs --id"),
        (["show", "--incoming", "--id", "7"], "Not there: 7"),
        (["redrive", "--incoming", "--state", "dead"], "redrive needs --by"),
        (["redrive", "--incoming", "--by", "olga"], "Say which"),
        (["redrive", "--incoming", "--state", "dead", "--by", "nobody"], "is no active operator here"),
        (["redrive", "--incoming", "--state", "dead", "--by", "vera"], "is no active operator here"),
        (["discard", "--incoming", "--state", "dead", "--by", "olga"], "discard needs --reason"),
        (["reschedule", "--incoming", "--state", "dead", "--by", "olga"], "reschedule needs --at"),
        (["reschedule", "--incoming", "--state", "dead", "--by", "olga", "--at", "soon"], "is no time"),
        (["redrive", "--incoming", "--state", "dead", "--by", "olga", "--at", "2031-01-02"], "redrive takes no --at"),
    ],
)
def test_what_is_not_understood_changes_nothing(olga, person_here, heard, events, words, says):
    person_here("vera", "view_failedevent")
    fail("poison")
    with pytest.raises(CommandError, match=says):
        events(*words)
    assert FailedEvent.objects.get().state == "dead"
