"""A key is next, then active, then retired; it goes when nothing that it signed is good any more."""

import os
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from tests.user_service.test_signing_keys import kid_of
from user_service.schedule import SCHEDULE
from user_service.tokens import keys, rotation
from user_service.tokens import services as sessions

KNOWN = timedelta(seconds=keys.KNOWN_SECONDS)
DAYS_14 = timedelta(days=14)
MOMENT = timedelta(seconds=2)
LEEWAY = timedelta(seconds=30)


class Clock:
    """The time of day, and when each file came: no program can set that, so the folder of the tests tells it."""

    def __init__(self, folder):
        self.ahead, self.came = 0.0, {}
        clock = self

        class File(type(Path())):
            def stat(self, **options):
                found = super().stat(**options)
                return os.stat_result((*found[:9], int(found.st_ctime + clock.came.get(self.name, clock.ahead))))

        self.folder = File(folder)

    def pass_by(self, span):
        for path in keys.key_paths():
            self.came.setdefault(path.name, self.ahead)
        self.ahead += span.total_seconds()

    def restore_backup(self):
        self.came.clear()

    def time(self):
        return time.time() + self.ahead


@pytest.fixture
def clock(settings, tmp_path, monkeypatch):
    clock = Clock(tmp_path / "keys")
    settings.SIGNING_KEYS_DIR = clock.folder
    monkeypatch.setattr(keys, "time", SimpleNamespace(time=clock.time))
    keys.create_key()
    return clock


def rotate(*options):
    """Each key's state, oldest first."""
    said = StringIO()
    call_command("rotate_keys", *options, stdout=said)
    return [line.split()[0] for line in said.getvalue().splitlines()]


def kids():
    return [standing.kid for standing in rotation.survey()]


def signed_by(person):
    return kid_of(sessions.begin_session(user=person).access)


def test_each_key_is_shown_with_state_age_and_id(clock):
    clock.pass_by(timedelta(days=3, hours=5))
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    (path,) = keys.key_paths()
    assert said.getvalue().split() == ["active", "3", "d", "5", "h", path.name, *kids()]


def test_a_key_is_active_for_thirty_days(clock):
    clock.pass_by(timedelta(days=30) - MOMENT)
    assert rotate() == ["active"]
    clock.pass_by(2 * MOMENT)
    assert rotate() == ["active", "next"]
    assert rotate() == ["active", "next"]


def test_the_next_key_is_published_at_once_and_signs_when_it_is_known(clock, alice, client):
    clock.pass_by(timedelta(days=1))
    rotate("--now")
    old, new = kids()
    assert {key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]} == {old, new}
    clock.pass_by(KNOWN - MOMENT)
    assert (rotate(), signed_by(alice)) == (["active", "next"], old)
    clock.pass_by(2 * MOMENT)
    assert (rotate(), signed_by(alice)) == (["retired", "active"], new)
    assert {key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]} == {old, new}


def test_who_is_in_a_hurry_gets_one_next_key_and_no_more(clock):
    clock.pass_by(timedelta(days=1))
    assert rotate("--now") == ["active", "next"]
    assert rotate("--now") == ["active", "next"]


def test_a_retired_key_goes_when_the_last_refresh_token_that_it_signed_has_run_out(clock):
    clock.pass_by(timedelta(days=1))
    rotate("--now")
    _, new = kids()
    clock.pass_by(KNOWN + DAYS_14 + LEEWAY - MOMENT)
    assert rotate() == ["retired", "active"]
    clock.pass_by(2 * MOMENT)
    assert rotate() == ["active"]
    assert kids() == [new]


def test_of_two_retired_ones_each_has_its_time(clock):
    clock.pass_by(timedelta(days=1))
    rotate("--now")
    clock.pass_by(timedelta(days=10))
    rotate("--now")
    clock.pass_by(timedelta(days=3))
    assert rotate() == ["retired", "retired", "active"]
    clock.pass_by(timedelta(days=2))
    assert rotate() == ["retired", "active"]


def test_the_active_key_is_never_deleted(clock):
    clock.pass_by(timedelta(days=3650))
    assert rotate() == ["active", "next"]


class TestRestoredBackup:
    @pytest.fixture
    def before(self, clock):
        """A retired key whose last tokens have a day to live, and an active one; then the backup."""
        clock.pass_by(timedelta(days=1))
        rotate("--now")
        clock.pass_by(DAYS_14 - timedelta(days=1))
        assert rotate() == ["retired", "active"]
        found = kids()
        clock.restore_backup()
        return found

    def test_nobody_is_signed_out(self, before, alice, api_of):
        signed_in = api_of(alice)
        assert rotate() == ["active", "next"]
        assert kids() == before
        assert signed_in.get("/api/v1/users/me/").status_code == 200

    def test_the_newest_key_soon_signs_again(self, before, clock, alice):
        clock.pass_by(KNOWN + MOMENT)
        assert rotate() == ["retired", "active"]
        assert signed_by(alice) == before[1]

    def test_what_the_old_key_signed_after_it_stays_good(self, before, clock):
        clock.pass_by(KNOWN + DAYS_14)
        assert rotate() == ["retired", "active"]
        clock.pass_by(LEEWAY + MOMENT)
        assert rotate() == ["active"]


def test_several_at_once_make_one_key(clock, in_threads):
    clock.pass_by(timedelta(days=31))
    answers = in_threads(4, lambda _: [standing.state for standing in rotation.rotate(now=True)])
    assert answers == [["active", "next"]] * 4


def test_the_first_key_is_made_by_hand(clock):
    for path in keys.key_paths():
        path.unlink()
    with pytest.raises(CommandError, match="create_signing_key"):
        rotate("--now")
    assert keys.key_paths() == []


def test_without_a_folder_it_says_so_too(clock, settings, tmp_path):
    settings.SIGNING_KEYS_DIR = tmp_path / "nowhere"
    with pytest.raises(CommandError, match="create_signing_key"):
        rotate()


def test_a_file_that_is_no_key_counts_for_nothing(clock):
    (clock.folder / "zzz.pem").write_text("not a key")
    clock.pass_by(timedelta(days=31))
    assert rotate() == ["active", "next"]
    assert (clock.folder / "zzz.pem").exists()


def test_a_key_that_goes_while_one_looks_does_not_sign(clock):
    clock.pass_by(timedelta(days=1))
    old, new = keys.key_paths()[0], keys.create_key()
    clock.pass_by(timedelta(days=1))
    new.unlink()
    assert keys.active_of([old, new]) == old


def test_it_is_done_by_the_schedule_every_day():
    assert [job.every for job in SCHEDULE if job.do is rotation.rotate] == [timedelta(days=1)]
