"""What of a request reaches a service: nothing that a client could pass itself off with."""

import json
import re

import pytest

SPOOFED = [
    ("X-User", "operator"),
    ("X-User-Id", "00000000-0000-0000-0000-000000000000"),
    ("X-User-Is-Staff", "true"),
    ("X-Forwarded-For", "198.51.100.7"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "1"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Real-IP", "198.51.100.7"),
    ("Forwarded", "for=198.51.100.7;host=evil.example"),
    ("X-Original-URL", "/internal/events/"),
    ("X-Rewrite-URL", "/internal/events/"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Remote-User", "operator"),
    ("X_Forwarded_For", "198.51.100.7"),
    ("Proxy", "http://evil.example"),
    ("Connection", "X-Request-ID, Authorization"),
]
PASSED = [
    ("Accept", "application/json"),
    ("Accept-Language", "de"),
    ("Authorization", "Bearer abc"),
    ("Content-Type", "application/json"),
    ("Cookie", "tandem_access=abc"),
    ("Idempotency-Key", "a-key"),
    ("If-Match", '"1"'),
    ("If-None-Match", '"2"'),
    ("Origin", "http://localhost:8080"),
    ("Referer", "http://localhost:8080/"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("User-Agent", "tests"),
    ("X-CSRFToken", "abc"),
    ("X-Request-ID", "a-sane-request-id"),
]
OUR_OWN = {"host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"}


def seen(edge, headers, target="/api/v1/tasks/"):
    """The headers that a service gets, by name in small letters."""
    answer = edge.ask("GET", target, headers).json()
    names = [name.lower() for name, _ in answer["headers"]]
    assert len(names) == len(set(names))
    return {name.lower(): value for name, value in answer["headers"]}


def test_a_service_gets_no_header_that_a_client_made_up(echo_edge):
    headers = seen(echo_edge, SPOOFED)

    assert set(headers) == OUR_OWN
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == headers["host"] == f"127.0.0.1:{echo_edge.port}"


def test_a_service_gets_every_header_that_its_api_knows(echo_edge):
    headers = seen(echo_edge, PASSED)

    assert {name: headers.get(name.lower()) for name, _ in PASSED} == dict(PASSED)


@pytest.mark.parametrize(
    "given", ["short", "x" * 129, "two words here", "<script>alert(1)</script>", "newline%0d%0aX: y"]
)
def test_a_request_id_that_is_not_sane_is_replaced(echo_edge, given):
    answer = echo_edge.ask("GET", "/api/v1/tasks/", [("X-Request-ID", given)])

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert dict(answer.json()["headers"])["X-Request-ID"] == answer.headers["X-Request-ID"]


def test_the_path_and_query_arrive_exactly_as_sent(echo_edge):
    target = "/api/v1/tasks/a%20b/?search=%C3%A9&x=%2F&y=a+b"

    assert echo_edge.ask("GET", target).json()["target"] == target


def test_connections_to_a_service_are_used_again(echo, echo_edge):
    before = echo.connections
    for _ in range(60):
        assert echo_edge.ask("GET", "/api/v1/tasks/").status == 200

    assert echo.connections - before <= 1


def test_spoofed_headers_name_nobody(system):
    for path in ("/api/v1/tasks/", "/api/v1/users/me/"):
        answer = system.client().get(path, headers=dict(SPOOFED[:-1]))
        assert answer.status_code == 401


def test_the_links_of_a_page_lead_to_the_host_that_was_asked(system, alice):
    for title in ("one", "two"):
        alice.post("/api/v1/tasks/", json={"title": title})

    page = alice.get("/api/v1/tasks/?page_size=1", headers=dict(SPOOFED[:-1])).json()

    assert page["next"].startswith(f"{system.url}/api/v1/tasks/?")


def test_a_session_remembers_the_address_that_the_edge_saw(system, alice):
    alice.post("/api/v1/auth/token/", json={}, headers=dict(SPOOFED[:-1]))

    addresses = system.sql("user_service", "SELECT DISTINCT host(ip) FROM tokens_session WHERE user_id = %s", alice.id)

    assert addresses == [("127.0.0.1",)]


def test_no_page_leads_to_a_host_that_is_not_ours(alice):
    for title in ("one", "two"):
        alice.post("/api/v1/tasks/", json={"title": title})

    for path in ("/api/v1/tasks/?page_size=1", "/api/v1/users/?page_size=1"):
        answer = alice.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_a_request_id_is_kept_and_is_in_the_log_of_each_service(system, alice):
    request_id = f"story-{alice.id}"
    for path in ("/api/v1/tasks/", "/api/v1/users/me/"):
        answer = alice.get(path, headers={"X-Request-ID": request_id})
        assert answer.headers.get_list("X-Request-ID") == [request_id]

    for name in ("edge", "user_service.web", "task_service.web"):
        system.eventually(lambda name=name: request_id in system.log(name))


def test_each_line_of_a_service_s_log_is_json(system, alice):
    alice.get("/api/v1/tasks/")

    lines = [line for line in system.log("task_service.web").splitlines() if alice.id not in line]

    assert [line for line in lines if line.startswith("{") and not json.loads(line)] == []


def test_preconditions_reach_the_service(alice):
    task = alice.post("/api/v1/tasks/", json={"title": "Once"})
    url = task.headers["Location"]

    assert alice.get(url, headers={"If-None-Match": task.headers["ETag"]}).status_code == 304
    assert alice.patch(url, json={"title": "Twice"}, headers={"If-Match": task.headers["ETag"]}).status_code == 200
    stale = alice.patch(url, json={"title": "Thrice"}, headers={"If-Match": task.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
