import io
import json

import pytest
import structlog
from django.conf import settings
from django.db import connection
from django.test import Client

from common import middleware
from tests.answers import assert_problem


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("sane", ["12345678", "a" * 128, "req.2026-11-23_07"])
def test_a_sane_request_id_is_kept(client, sane):
    assert client.get("/accepts/", headers={"x-request-id": sane}).headers["X-Request-ID"] == sane


@pytest.mark.parametrize(
    "odd", ["", "short", "a" * 129, "with space", 'quote"quote', "new\nline-8", "\u00e4" * 8, "a,b" * 4]
)
def test_an_odd_request_id_is_replaced(client, odd):
    made = client.get("/accepts/", headers={"x-request-id": odd}).headers["X-Request-ID"]
    assert made != odd
    assert 8 <= len(made) <= 128


def test_every_request_has_its_own_id(client):
    assert len({client.get("/accepts/").headers["X-Request-ID"] for _ in range(5)}) == 5


@pytest.mark.parametrize("path", ["/nothing/", "/raises/broken/", "/raises/database/", "/health/live/", "/api/who/"])
def test_every_answer_has_an_id(db, client, path):
    assert client.get(path).headers["X-Request-ID"]


@pytest.fixture
def log(monkeypatch):
    """The middleware's lines, as they are written."""
    written = io.BytesIO()
    monkeypatch.setattr(middleware, "log", structlog.wrap_logger(structlog.BytesLogger(written)))
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_request_is_one_line_of_the_log(client, log):
    client.get("/accepts/?secret=1", headers={"x-request-id": "request-0001"})
    (line,) = log()
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/accepts/", 200)
    assert line["request_id"] == "request-0001"
    assert line["ms"] >= 0


def test_an_error_is_in_the_log_with_its_request_id_and_its_trace(client, caplog):
    client.get("/raises/broken/", headers={"x-request-id": "request-0002"})
    config = settings.LOGGING["formatters"]["json"]
    formatter = config["()"](**{name: value for name, value in config.items() if name != "()"})
    line = json.loads(formatter.format(caplog.records[-1]))
    assert (line["logger"], line["level"], line["request_id"]) == ("django.request", "error", "request-0002")
    assert "a secret detail" in line["exception"]


def test_health_does_not_fill_the_log(client, log):
    client.get("/health/live/")
    assert log() == []


@pytest.mark.parametrize(("https", "scheme", "hsts"), [(True, "https", True), (False, "http", False)])
def test_the_scheme_is_what_the_public_url_says(client, settings, https, scheme, hsts):
    settings.HTTPS, settings.SECURE_HSTS_SECONDS = https, 3600 if https else 0
    response = client.get("/accepts/", headers={"host": "testserver"})
    assert response.wsgi_request.build_absolute_uri("/") == f"{scheme}://testserver/"
    assert ("Strict-Transport-Security" in response.headers) is hsts


class TestHealth:
    def test_a_process_is_live(self, client):
        assert client.get("/health/live/").json() == {"status": "live"}

    def test_with_its_database_it_is_ready(self, db, client):
        assert client.get("/health/ready/").json() == {"status": "ready"}

    @pytest.fixture
    def _database_away(self, transactional_db):
        connection.close()
        port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], 9
        yield
        connection.settings_dict["PORT"] = port
        connection.close()

    @pytest.mark.usefixtures("_database_away")
    def test_without_it_is_not_ready_but_live(self, client):
        response = client.get("/health/ready/")
        assert_problem(response, 503, "service_unavailable")
        assert response.headers["Retry-After"] == "5"
        assert client.get("/health/live/").status_code == 200

    @pytest.mark.usefixtures("_database_away")
    def test_the_answer_does_not_show_where_the_database_is(self, client):
        assert "127.0.0.1" not in client.get("/health/ready/").content.decode()

    def test_it_is_ready_again_when_the_database_is_back(self, transactional_db, client):
        port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], 9
        connection.close()
        assert client.get("/health/ready/").status_code == 503
        connection.settings_dict["PORT"] = port
        assert client.get("/health/ready/").status_code == 200
