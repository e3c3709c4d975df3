"""Errors are problems, whichever layer they come from; a browser gets a page instead."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from local import ports
from tests.system.edge import Edge, ask

JSON = ("Content-Type", "application/json")
HIDDEN = [
    "/internal/events/",
    "/internal/deliveries/incoming/",
    "/internal/",
    "/metrics",
    "/metrics/",
    "/health/live/",
    "/health/ready/",
    "/_edge/problem",
    "/_edge/ready/user_service",
    "/nothing/here/",
    "/api/v2/tasks/",
    "//internal/events/",
    "/./internal/events/",
    "/api/v1/../../internal/events/",
    "/api/v1/tasks/../../../metrics",
    "/api/v1/%2e%2e/%2e%2e/internal/events/",
    "/api/v1/..%2f..%2finternal/events/",
    "/api/v1/tasks/..;/..;/..;/internal/events/",
    "/api/v1/..\\..\\internal/events/",
    "/static/users/../../internal/events/",
    "/static/users/%2e%2e/%2e%2e/etc/passwd",
    "/admin/tasks/../../internal/events/",
]


def check_problem(answer, status, code):
    assert answer.status == status
    assert answer.headers.get_content_type() == "application/problem+json"
    assert answer.headers.get_all("X-Request-ID") == [answer.json()["request_id"]]
    problem = answer.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "code", "request_id"}
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("target", HIDDEN)
def test_what_is_inside_is_not_found_from_outside(system, target):
    credential = ("Authorization", f"Bearer {system.credential}")

    check_problem(ask(system.port, "GET", target, [credential]), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "status", "code"),
    [
        ("POST", "/api/v1/tasks/", [JSON], b"x" * (2**20 + 1), 413, "payload_too_large"),
        ("POST", "/api/v1/auth/token/", [JSON], b"x" * (2**20 + 1), 413, "payload_too_large"),
        ("GET", "/api/v1/tasks/", [("X-Long", "x" * 40_000)], b"", 431, "headers_too_large"),
        ("GET", f"/api/v1/tasks/?search={'x' * 10_000}", [], b"", 414, "uri_too_long"),
        ("GET", "/api/v1/tasks/", [("Host", "a b")], b"", 400, "bad_request"),
        ("POST", "/", [], b"", 405, "method_not_allowed"),
        ("POST", "/api/v1/auth/token/", [JSON], b"{", 400, "parse_error"),
        ("POST", "/api/v1/auth/token/", [JSON], b"{}", 400, "invalid"),
        ("POST", "/api/v1/auth/token/", [("Content-Type", "text/plain")], b"x", 415, "unsupported_media_type"),
        ("DELETE", "/api/v1/auth/token/", [], b"", 405, "method_not_allowed"),
        ("GET", "/api/v1/tasks/", [], b"", 401, "not_authenticated"),
        ("GET", "/api/v1/users/me/", [], b"", 401, "not_authenticated"),
        ("GET", "/api/v1/nothing/", [], b"", 404, "not_found"),
        ("GET", "/api/v1/users/nothing/here/", [], b"", 404, "not_found"),
        ("GET", "/static/tasks/nothing.css", [], b"", 404, "not_found"),
        ("GET", "/static/users/nothing.css", [], b"", 404, "not_found"),
    ],
)
def test_every_layer_answers_with_a_problem(system, method, target, headers, body, status, code):
    check_problem(ask(system.port, method, target, headers, body), status, code)


def test_a_body_of_exactly_one_mebibyte_reaches_the_service(alice):
    body = b'{"title": "' + b"x" * (2**20 - 13) + b'"}'
    assert len(body) == 2**20

    answer = alice.post("/api/v1/tasks/", content=body, headers=dict([JSON]))

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "max_length")


@pytest.mark.parametrize("path", ["/nothing/here/", "/internal/events/", "/api/v1/nothing/", "/api/v1/users/x/y/"])
def test_a_browser_gets_a_page(system, path):
    answer = system.client().get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Request-ID"] in answer.text


def ask_often(edge, method, target):
    """Answers of 120 requests at about the same time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: edge.ask(method, target), range(120)))


def test_too_many_requests_from_one_address_are_429_with_retry_after(echo):
    with Edge(echo.port, rate_limit="2") as edge:
        answers = ask_often(edge, "GET", "/api/v1/tasks/")

    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) > 10  # the burst
    assert int(refused[0].headers["Retry-After"]) > 0
    check_problem(refused[0], 429, "rate_limited")


SIGN_IN = [
    *(f"/api/v1/auth/{name}/" for name in ("token", "register", "password/reset", "password/reset/confirm")),
    *("/login/", "/login/register/", "/login/forgot/", "/login/reset/", "/login/account/delete/"),
]


def test_sign_in_is_limited_more_tightly(echo):
    with ThreadPoolExecutor(40) as pool, Edge(echo.port, rate_limit="1000") as edge:

        def refused(path, times):
            """Ask at once, and return the first answer that is no 200."""
            asked = [pool.submit(edge.ask, "POST", path) for _ in range(times)]
            return next(answer for each in as_completed(asked) if (answer := each.result()).status != 200)

        check_problem(refused(SIGN_IN[0], 40), 429, "rate_limited")
        for path in SIGN_IN:  # while those that wait fill the one queue
            assert refused(path, 3).status == 429
        assert edge.ask("POST", "/api/v1/tasks/").status == 200


def test_a_client_has_its_whole_ipv6_network(echo):
    with Edge(echo.port, rate_limit="1", trusted_proxy="127.0.0.1") as edge:

        def refused(network):
            """Whether any of ten requests was, each by another address of it."""
            ask = ("GET", "/api/v1/tasks/")
            return 429 in [edge.ask(*ask, [("X-Forwarded-For", f"{network}{n}")]).status for n in range(1, 11)]

        assert refused("2001:db8:1:2::")
        assert edge.ask("GET", "/api/v1/tasks/", [("X-Forwarded-For", "2001:db8:1:3::1")]).status == 200
        assert not refused("192.0.2.")


def test_only_a_trusted_proxy_names_the_client(echo):
    for proxy, client in (("127.0.0.0/8", "192.0.2.7"), ("", "127.0.0.1"), ("198.51.100.1", "127.0.0.1")):
        with Edge(echo.port, rate_limit="100", trusted_proxy=proxy) as edge:
            told = edge.ask("GET", "/api/v1/tasks/", [("X-Forwarded-For", "203.0.113.9, 192.0.2.7")]).json()["headers"]
        assert ["X-Forwarded-For", client] in told


def test_a_one_time_token_is_not_in_the_edge_s_log_even_when_the_service_is_away():
    with Edge(ports.pick(), rate_limit="off") as edge:
        for address in ("/login/reset/?token=one-time", "/login/erasure/?key=one-time"):
            assert edge.ask("GET", address).status == 503
        edge.process.terminate()
        edge.process.wait(timeout=20)
        log = (edge.folder / "log").read_text()

    assert '"path":"/login/reset/","status":503' in log
    assert "one-time" not in log


@pytest.mark.parametrize(
    ("down", "path", "other"),
    [
        ("user_service", "/api/v1/users/me/", "/api/v1/tasks/"),
        ("task_service", "/api/v1/tasks/", "/api/v1/users/me/"),
    ],
)
def test_one_service_goes_on_while_the_other_is_away_and_is_found_again(system, alice, down, path, other):
    with system.suspend(f"{down}.web"):
        away = ask(system.port, "GET", path)
        check_problem(ask(system.port, "GET", other), 401, "not_authenticated")

    check_problem(away, 503, "service_unavailable")
    assert int(away.headers["Retry-After"]) > 0
    assert alice.get(path).status_code == 200
