"""Events in the admin of each service: mended, by whom, and who may not."""

import pytest
from django.contrib.admin.models import LogEntry

from common import outbox
from common.deliveries import DIRECTIONS
from common.models import FailedEvent
from tests.common.event_pages import BOTH, act, list_of, listed, offered, page, page_of, text
from tests.common.operating import fail, go_wrong, rows_of
from tests.common.publishing import publish
from tests.envelopes import user_event
from tests.forms import fill


class TestActions:
    @BOTH
    def test_one_is_redriven_from_its_page_and_the_page_says_who_did_it(self, office, heard, direction):
        (row,) = go_wrong(direction)
        answer = act(office, direction, "redrive", [row], of_page=1)
        assert answer.headers["Location"] == page_of(row)
        row.refresh_from_db()
        assert row.standing == "retrying"
        shown = text(office.get(page_of(row)))
        assert "olga" in shown.partition("What operators did")[2]
        assert "Redriven." in shown.partition("What operators did")[2]
        assert "Redriven." in text(office.get(page(f"common_{row._meta.model_name}_history", row.pk)))

    @BOTH
    def test_many_are_redriven_and_the_list_stays_as_it_was_filtered(self, office, heard, direction):
        *rows, other = go_wrong(direction, 3)
        answer = act(office, direction, "redrive", rows, query="?type=user.registered")
        assert answer.headers["Location"] == f"{list_of(direction)}?type=user.registered"
        assert [row.standing for row in rows_of(direction)] == ["retrying", "retrying", other.standing]

    @BOTH
    def test_all_that_match_are_changed_also_those_on_other_pages(self, office, heard, direction):
        rows = go_wrong(direction, 60)
        act(office, direction, "redrive", rows[:1], query="?type=user.registered", select_across=1)
        assert {row.standing for row in rows_of(direction)} == {"retrying"}
        assert LogEntry.objects.count() == 60

    @BOTH
    def test_discarding_first_says_what_it_means_and_asks_why(self, office, heard, direction):
        *rows, _ = go_wrong(direction, 3)
        asked = act(office, direction, "discard", rows)
        assert "This can&#x27;t be undone." in text(asked) or "This can't be undone." in text(asked)
        assert not rows_of(direction).filter(state="discarded").exists()
        form = {"_selected_action": [row.pk for row in rows]}
        url = f"{list_of(direction)}?state=all"
        refused = fill(office, asked, url, **form, reason=" ")
        assert "This field is required." in text(refused)
        assert not rows_of(direction).filter(state="discarded").exists()
        fill(office, refused, url, **form, reason="made by a test")
        assert [row.state == "discarded" for row in rows_of(direction)] == [True, True, False]
        entries = LogEntry.objects.all()
        assert {entry.get_change_message() for entry in entries} == {"Discarded: made by a test"}
        assert {entry.object_id for entry in entries} == {str(row.pk) for row in rows}

    @BOTH
    def test_all_that_match_are_discarded_after_the_question(self, office, heard, direction):
        rows = go_wrong(direction, 60)
        asked = act(office, direction, "discard", rows[:1], select_across=1)
        assert ": 60 " in text(asked)
        fill(office, asked, f"{list_of(direction)}?state=all", reason="no")
        assert {row.standing for row in rows_of(direction)} == {"discarded"}

    @BOTH
    def test_a_schedule_is_edited(self, office, heard, direction):
        (row,) = go_wrong(direction)
        asked = act(office, direction, "reschedule", [row], of_page=1)
        url = f"{list_of(direction)}?state=all"
        assert "Enter a valid date/time." in text(fill(office, asked, url, at="soon"))
        answer = fill(office, asked, url, at="2031-01-02T03:04")
        assert answer.headers["Location"] == page_of(row)
        row.refresh_from_db()
        assert f"{row.next_attempt_at:%Y-%m-%d %H:%M}" == "2031-01-02 03:04"

    @BOTH
    def test_a_get_changes_nothing(self, office, heard, direction):
        (row,) = go_wrong(direction)
        office.get(list_of(direction), {"action": "redrive", "_selected_action": row.pk})
        assert rows_of(direction).get().state == row.state

    @BOTH
    def test_without_a_csrf_token_nothing_is_changed(self, olga, office_of, heard, direction):
        (row,) = go_wrong(direction)
        assert act(office_of(olga, enforce_csrf_checks=True), direction, "redrive", [row]).status_code == 403
        assert rows_of(direction).get().state == row.state

    @pytest.mark.parametrize(
        ("state", "buttons"),
        [
            ("dead", ["redrive", "reschedule", "discard"]),
            ("retrying", ["redrive", "reschedule", "discard"]),
            ("done", []),
            ("discarded", []),
        ],
    )
    def test_a_page_offers_what_the_state_allows(self, office, heard, state, buttons):
        (row,) = fail("poison")
        FailedEvent.objects.update(state=state)
        assert offered(office, row) == buttons

    def test_what_was_sent_may_be_sent_again(self, office):
        (row,) = publish(user_event())
        assert offered(office, row) == ["reschedule", "discard"]
        outbox.mark_sent([row.pk])
        assert offered(office, row) == ["redrive", "reschedule"]


class TestPermissions:
    @pytest.fixture
    def viewer(self, person_here, office_of):
        return office_of(person_here("vera", "view_outboxevent", "view_failedevent"))

    @BOTH
    def test_who_may_look_sees_it_whole_without_a_button(self, viewer, heard, direction):
        (row,) = go_wrong(direction)
        assert listed(viewer.get(list_of(direction))) == [row.pk]
        assert offered(viewer, row) == []
        assert "specversion" in text(viewer.get(page_of(row)))

    @BOTH
    @pytest.mark.parametrize("action", ["redrive", "reschedule", "discard"])
    def test_who_may_look_is_refused_to_change(self, viewer, heard, direction, action):
        (row,) = go_wrong(direction)
        answer = act(viewer, direction, action, [row], confirmed=1, reason="no", at="2031-01-02T03:04")
        assert answer.status_code == 403
        assert rows_of(direction).get().state == row.state

    @BOTH
    def test_who_may_not_look_sees_nothing(self, person_here, office_of, heard, direction):
        (row,) = go_wrong(direction)
        nobody = office_of(person_here("nora", "view_inboxevent"))
        assert nobody.get(list_of(direction)).status_code == 403
        assert nobody.get(page_of(row)).status_code == 403
        assert "parked" not in text(nobody.get(page("index")))
        assert "dead" not in text(nobody.get(page("index")))

    @BOTH
    def test_the_permission_to_change_is_enough(self, person_here, office_of, heard, direction):
        (row,) = go_wrong(direction)
        model = DIRECTIONS[direction].model._meta.model_name
        act(office_of(person_here("ian", f"change_{model}")), direction, "redrive", [row])
        assert rows_of(direction).get().standing == "retrying"
