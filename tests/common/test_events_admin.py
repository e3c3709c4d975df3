"""Events in the admin of each service: found and understood."""

import json

import pytest
from structlog.contextvars import bound_contextvars

from common import deliveries, inbox
from common.deliveries import DIRECTIONS
from common.events_admin import filters
from common.events_admin.payloads import LIMIT
from common.models import FailedEvent, InboxEvent, OutboxEvent
from tests.common.event_pages import BOTH, list_of, listed, page, page_of, text
from tests.common.operating import fail, go_wrong, keep, park, rows_of
from tests.common.publishing import publish
from tests.envelopes import envelope, user_event

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


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
