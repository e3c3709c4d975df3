"""Runs: who asks for them, and what is kept of one that can't be done; tests/system/test_mirrors.py has their work."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from common import mirror_runs
from common.mirrors import mirrors
from common.models import MirrorRun


def test_each_mirror_is_asked_for_once_a_day(db):
    mirror_runs.request_due()
    mirror_runs.request_due()
    assert sorted(MirrorRun.objects.values_list("mirror", "kind")) == [(name, "check") for name in sorted(mirrors())]
    MirrorRun.objects.update(requested_at=timezone.now() - timedelta(hours=25))
    mirror_runs.request_due()
    assert MirrorRun.objects.count() == 2 * len(mirrors())


def test_what_was_found_long_ago_is_forgotten(db):
    for days in (91, 89):
        MirrorRun.objects.create(mirror="people", finished_at=timezone.now() - timedelta(days=days))
    mirror_runs.request_due()
    assert MirrorRun.objects.filter(mirror="people").count() == 1


@pytest.mark.parametrize("kind", MirrorRun.Kind.values)
def test_a_source_that_is_away_is_said_and_the_next_run_goes_on(db, kind):
    """Nobody listens at the address that the tests give of the other service."""
    for _ in range(2):
        mirror_runs.request_run(mirror=next(iter(mirrors())), kind=kind)
    mirror_runs.carry_out_requested()
    assert [run.state for run in MirrorRun.objects.all()] == ["failed", "failed"]
    assert "http://127.0.0.1:9/internal/snapshots/" in MirrorRun.objects.first().error


def test_a_source_that_nobody_names_is_said(db, settings):
    settings.PEERS = {}
    mirror_runs.request_run(mirror=next(iter(mirrors())), kind="check")
    mirror_runs.carry_out_requested()
    assert MirrorRun.objects.get().error.startswith("PEERS does not say where ")


def test_the_command_fails_where_one_could_not_be_compared(db):
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("mirror", "check", stdout=said)
    assert [line for line in said.getvalue().splitlines() if line.startswith("  http")]
    assert MirrorRun.objects.count() == len(mirrors())


def test_a_run_that_was_cut_off_is_done_again(db):
    run = mirror_runs.request_run(mirror=next(iter(mirrors())), kind="check")
    MirrorRun.objects.update(started_at=timezone.now())
    mirror_runs.carry_out_requested()
    run.refresh_from_db()
    assert run.finished_at is not None


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "waiting"),
        ({"started_at": 1}, "running"),
        ({"started_at": 1, "finished_at": 1, "error": "away"}, "failed"),
        ({"started_at": 1, "finished_at": 1, "missing": 2, "repaired": 1}, "drift"),
        ({"started_at": 1, "finished_at": 1, "missing": 1, "unknown": 1, "different": 1, "repaired": 3}, "agrees"),
    ],
)
def test_what_an_operator_is_told_of_a_run(fields, state):
    assert MirrorRun(mirror="people", **fields).state == state
