"""Events in the admin of each service: found, understood, mended, and who did it."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from structlog.contextvars import bound_contextvars

from common import deliveries, inbox, outbox
from common.deliveries import DIRECTIONS
from common.events_admin import filters
from common.events_admin.payloads import LIMIT
from common.models import FailedEvent, InboxEvent, OutboxEvent
from tests.common.operating import fail, go_wrong, keep, park, rows_of
from tests.common.publishing import publish
from tests.envelopes import envelope, user_event
from tests.forms import fill

BOTH = pytest.mark.parametrize("direction", DIRECTIONS)
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def office(olga, office_of):
    return office_of(olga)


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def list_of(direction):
    return page(f"common_{DIRECTIONS[direction].model._meta.model_name}_changelist")


def page_of(row):
    return page(f"common_{row._meta.model_name}_change", row.pk)


def text(answer):
    assert answer.status_code == 200, answer
    return answer.content.decode()


def listed(answer):
    text(answer)
    return [row.pk for row in answer.context["cl"].result_list]


def act(browser, direction, action, rows, query="?state=all", **more):
    form = {"action": action, "_selected_action": [row.pk for row in rows], "select_across": 0} | more
    return browser.post(f"{list_of(direction)}{query}", form)


class TestLists:
    @BOTH
    def test_what_wants_a_person_is_shown_first_and_alone(self, office, heard, direction):
        *settled, row = go_wrong(direction, 3)
        rows_of(direction).filter(pk__in=[each.pk for each in settled]).update(state="discarded")
        assert listed(office.get(list_of(direction))) == [row.pk]
        assert len(listed(office.get(list_of(direction), {"state": "all"}))) == 3

    @BOTH
    def test_a_row_says_what_it_is_and_why_it_is_there(self, office, heard, direction):
        (row,) = go_wrong(direction)
        shown = text(office.get(list_of(direction)))
        for part in (row.type, row.standing, row.error, str(row.attempts)):
            assert part in shown

    @BOTH
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"type": "user.registered"}, True),
            ({"type": "user.updated"}, False),
            ({"age": "hour"}, True),
            ({"age": "day"}, True),
            ({"age": "older"}, False),
            ({"error": "no such error"}, False),
            ({"state": "discarded"}, False),
            ({"state": "retrying"}, False),
            ({"state": "nonsense"}, True),
            ({"age": "nonsense"}, True),
        ],
    )
    def test_they_are_filtered(self, office, heard, direction, query, found):
        (row,) = go_wrong(direction)
        assert listed(office.get(list_of(direction), query)) == ([row.pk] if found else [])

    def test_errors_are_offered_in_groups_the_most_frequent_first(self, office, heard):
        fail("poison1", "poison2")
        bad = keep(b"{")
        answer = office.get(list_of("incoming"))
        (spec,) = [spec for spec in answer.context["cl"].filter_specs if spec.parameter_name == "error"]
        assert spec.lookup_choices == [("RuntimeError", "RuntimeError"), ("BadEvent", "BadEvent")]
        assert listed(office.get(list_of("incoming"), {"error": "BadEvent"})) == [bad.pk]

    def test_only_so_many_rows_are_read_for_what_is_offered(self, office, heard, monkeypatch):
        monkeypatch.setattr(filters, "LOOKED_AT", 1)
        keep(b"{")
        fail("poison")
        (spec,) = [
            spec
            for spec in office.get(list_of("incoming")).context["cl"].filter_specs
            if spec.parameter_name == "error"
        ]
        assert [name for name, _ in spec.lookup_choices] == ["RuntimeError"]

    @BOTH
    @pytest.mark.parametrize("what", ["event_id", "aggregate_id", "request", "trace"])
    def test_a_search_finds_it_by_any_of_its_ids_in_any_state(self, office, heard, direction, what):
        if direction == "outgoing":
            with bound_contextvars(request_id="request-0001", traceparent=TRACE):
                publish(user_event())
            publish(user_event())
            row = OutboxEvent.objects.earliest("id")
        else:
            row, _ = fail("poison", request_id="request-0001", traceparent=TRACE)[0], fail("poison too")
        ids = {"event_id": row.event_id, "aggregate_id": row.aggregate_id, "request": "request-0001", "trace": "a" * 32}
        rows_of(direction).update(state="discarded")
        assert listed(office.get(list_of(direction), {"q": ids[what]})) == [row.pk]
        assert listed(office.get(list_of(direction), {"q": "b" * 31})) == []

    @BOTH
    @pytest.mark.parametrize("term", ["%", "'", "x" * 5000, "\u0661", '"requestid":"'])
    def test_a_search_for_nonsense_finds_nothing(self, office, heard, direction, term):
        go_wrong(direction)
        assert listed(office.get(list_of(direction), {"q": term})) == []

    @BOTH
    @pytest.mark.parametrize("parameter", ["type", "error"])
    def test_what_postgresql_can_t_take_in_a_filter_is_a_bad_request(self, office, direction, parameter):
        assert office.get(list_of(direction), {parameter: "a\0b"}).status_code == 400

    @BOTH
    def test_a_list_costs_the_same_however_long_it_is(self, office, heard, direction, django_assert_max_num_queries):
        go_wrong(direction, 60)
        with django_assert_max_num_queries(6):
            assert len(listed(office.get(list_of(direction)))) == 50
        assert len(listed(office.get(list_of(direction), {"p": 2}))) == 10

    @BOTH
    def test_no_list_reads_bodies(self, office, heard, direction, django_assert_max_num_queries):
        go_wrong(direction)
        with django_assert_max_num_queries(6) as queries:
            text(office.get(list_of(direction)))
        assert not [query["sql"] for query in queries if '"body"' in query["sql"] or '"envelope"' in query["sql"]]

    @BOTH
    def test_it_counts_to_an_end(self, office, heard, direction, monkeypatch):
        monkeypatch.setattr(deliveries, "MOST", 2)
        go_wrong(direction, 3)
        assert office.get(list_of(direction)).context["cl"].result_count == 2

    def test_what_took_effect_is_found_by_its_type_and_id(self, office, heard):
        body = envelope(user_event())
        inbox.receive([body])
        (row,) = InboxEvent.objects.all()
        url = page("common_inboxevent_changelist")
        assert listed(office.get(url, {"type": "user.registered", "age": "hour"})) == [row.pk]
        assert listed(office.get(url, {"q": json.loads(body)["id"]})) == [row.pk]
        assert listed(office.get(url, {"age": "older"})) == []


class TestMessages:
    def test_a_failure_says_all_that_is_known_of_it(self, office, heard):
        (row,) = fail("poison", request_id="request-0001", traceparent=TRACE)
        shown = text(office.get(page_of(row)))
        for part in (str(row.event_id), str(row.aggregate_id), "request-0001", "a" * 32, "not yet", "RuntimeError"):
            assert part in shown
        assert "raise RuntimeError(&quot;this handler fails&quot;)" in shown
        assert "&quot;username&quot;: &quot;poison&quot;" in shown

    def test_an_outgoing_event_shows_what_is_sent(self, office):
        (row,) = park()
        shown = text(office.get(page_of(row)))
        assert "&quot;specversion&quot;: &quot;1.0&quot;" in shown
        assert "The broker refused it" in shown

    def test_a_failure_and_what_took_effect_lead_to_each_other(self, olga, office, heard):
        (row,) = fail("poison")
        deliveries.act(DIRECTIONS["incoming"], "discard", FailedEvent.objects.all(), by=olga, reason="no")
        effect = InboxEvent.objects.get()
        assert page_of(effect) in text(office.get(page_of(row)))
        assert page_of(row) in text(office.get(page_of(effect)))

    @pytest.mark.parametrize("took_effect", [True, False])
    def test_what_was_discarded_says_whether_it_had_taken_effect_before(self, olga, office, heard, took_effect):
        (row,) = fail("poison")
        if took_effect:
            InboxEvent.objects.create(event_id=row.event_id, type=row.type, received_at="2026-01-01T00:00Z")
        deliveries.act(DIRECTIONS["incoming"], "discard", FailedEvent.objects.all(), by=olga, reason="no")
        assert (">never</a>" in text(office.get(page_of(row)))) != took_effect

    @pytest.mark.parametrize(
        ("body", "shown"),
        [
            (b"\xff\xfe\x00", "ff fe 00"),
            (b"", ""),
            (b"\x00\x1b[31m", "\\x00\\x1b[31m"),
            (b"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (b'{"a": "<b>"}', "&quot;a&quot;: &quot;&lt;b&gt;&quot;"),
            (b'"\\ud800"', "\\ud800"),
            ('{"a": "\u202eevil"}'.encode(), "\\u202eevil"),
            (b"[" * 200_000, "[[[["),
            (b"[" * 200 + b"1," * 5_000 + b"1" + b"]" * 200, "cut here"),
            (b"1" * 10_000, "1111"),
            (b'{"a": "' + b"x" * 1_048_576 + b'"}', "cut here"),
            (b"\xff" * 1_048_576, "cut here"),
        ],
    )  # fmt: skip
    def test_whatever_a_body_is_its_page_opens(self, office, heard, body, shown):
        row = keep(body)
        found = text(office.get(page_of(row)))
        assert shown in found
        assert "<script>alert" not in found
        assert len(found) < 7 * LIMIT

    def test_nothing_is_written_by_hand(self, office, heard):
        (row,) = fail("poison")
        assert office.post(page_of(row), {"state": "done"}).status_code == 403
        assert office.get(f"{list_of('incoming')}add/").status_code == 403
        assert office.post(page("common_failedevent_delete", row.pk), {"post": "yes"}).status_code == 403


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


def offered(browser, row):
    answer = browser.get(page_of(row))
    return [action for action, _ in answer.context["offered"] if f'value="{action}"' in text(answer)]


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


class TestIndex:
    def test_it_counts_what_wants_a_person_and_leads_there(self, office, heard):
        assert "0 dead" in text(office.get(page("index")))
        fail("poison1", "poison2")
        park()
        publish(user_event())
        shown = text(office.get(page("index")))
        for part in ("2 dead", "1 parked", "0 retrying", "The oldest waits for", f"{list_of('incoming')}?state=dead"):
            assert part in shown

    def test_it_costs_a_few_queries(self, office, heard, django_assert_max_num_queries):
        fail(*(f"poison{number}" for number in range(30)))
        with django_assert_max_num_queries(10):
            text(office.get(page("index")))
