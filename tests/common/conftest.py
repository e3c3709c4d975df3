import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from common import events, inbox
from common.ids import uuid7
from common.management.commands import consume_events
from tests.common.queues import Queues
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _answering(settings):
    settings.ROOT_URLCONF = "tests.common.answering"


@pytest.fixture
def alice(db):
    """She is known to whichever service is under test."""
    return get_user_model().objects.create(id=uuid7(), username="alice", version=1)


@pytest.fixture
def person_here(db):
    """`person_here("olga", is_superuser=True)`: known to whichever service is under test, an operator of it."""

    def make(username, *permissions, **fields):
        people = get_user_model()
        fields = {"id": uuid7(), "username": username, "version": 1, "is_staff": True} | fields
        if hasattr(people, "email"):
            fields["email"] = f"{username}@example.org"
        found = people.objects.create(**fields)
        found.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return found

    return make


@pytest.fixture
def olga(person_here):
    return person_here("olga", is_superuser=True)


@pytest.fixture
def office_of(settings, issuer):
    """`office_of(olga)` is her browser, at the service's own URLs."""
    settings.ROOT_URLCONF = f"{settings.SERVICE}.urls"

    def make(person, **options):
        browser = Client(headers={"accept": "text/html"}, **options)
        browser.cookies[settings.ACCESS_COOKIE] = issuer.token(person)
        return browser

    return make


@pytest.fixture
def api():
    return APIClient(raise_request_exception=False)


@pytest.fixture
def heard(monkeypatch):
    """What the service hears here: a registered person becomes a group; Poison's handler fails half way."""
    seen = []

    def make_group(event):
        seen.append(event.username)
        Group.objects.create(name=f"{event.username}-{len(seen)}")
        if event.username.startswith("poison"):
            raise RuntimeError("this handler fails")

    monkeypatch.setattr(inbox, "handlers", lambda: {events.UserRegistered: make_group})
    return seen


@pytest.fixture
def http_answer():
    """`http_answer(500, b"")` is the URL of a server that answers everything so."""
    with ExitStack() as servers:

        def serve(status, body):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                do_POST = do_GET  # noqa: N815

                def log_message(self, *_):
                    pass

            server = servers.enter_context(HTTPServer(("127.0.0.1", 0), Handler))
            servers.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield serve


@pytest.fixture
def queues(broker_url, settings):
    settings.BROKER_URL = broker_url
    settings.SERVICE = f"test-{uuid7().hex}"
    found = Queues(broker_url, settings.SERVICE)
    found.declare()
    yield found
    found.clear()


@pytest.fixture
def consuming(queues, transactional_db, heard):
    """`consuming(until)` consumes in a thread until the condition holds; returns the error that ended it."""

    def run(until=lambda: False):
        stopping, ended = threading.Event(), []

        def consume():
            try:
                consume_events.consume(stopping)
            except Exception as error:
                ended.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=consume)
        thread.start()
        try:
            wait_until(lambda: until() or not thread.is_alive(), seconds=20)
        finally:
            stopping.set()
            thread.join(20)
        return ended[0] if ended else None

    return run


@pytest.fixture
def office(olga, office_of):
    """Her browser: she may do everything."""
    return office_of(olga)
