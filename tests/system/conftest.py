import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import postgres
from local.rabbitmq import find_server
from tests.system import oracle
from tests.system.browser import PROGRAMS, Browser
from tests.system.edge import Echo, Edge
from tests.system.running import Person, System


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a system also waits for its start."""
    for item in items:
        item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The one system that the tests share. Who breaks something in it heals it before the test ends."""
    with System(ERASURE_DEADLINE_SECONDS="12") as running:
        oracle.watch_mirrors(running)
        yield running


@pytest.fixture(scope="session")
def brokerless() -> Iterator[System]:
    """Without RabbitMQ, with one web worker in each service; its operators need a second factor."""
    postgres.account()  # made with the whole PATH, if it has to be made
    folders = [folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "rabbitmq-server").exists()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", ":".join(folders))
        if find_server() is not None:
            pytest.skip("rabbitmq-server is found without PATH, too")
    with System(PATH=":".join(folders), WEB_WORKERS="1", OPERATORS_NEED_SECOND_FACTOR="true") as running:
        oracle.watch_mirrors(running)
        yield running


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    """In the place of both services behind `echo_edge`: answers with the request that it got."""
    with Echo() as server:
        yield server


@pytest.fixture(scope="session")
def echo_edge(echo: Echo) -> Iterator[Edge]:
    with Edge(echo.port, rate_limit="off") as edge:
        yield edge


@pytest.fixture(scope="session")
def broker(system: System) -> str:
    """The broker's name among the processes."""
    if find_server() is None:
        pytest.skip("rabbitmq-server is not installed")
    return "rabbitmq"


@pytest.fixture
def alice(system: System) -> Person:
    return system.register("alice")


@pytest.fixture
def bob(system: System) -> Person:
    return system.register("bob")


@pytest.fixture
def charlie(system: System) -> Person:
    return system.register("charlie")


@pytest.fixture(scope="session")
def chromium(system: System) -> Iterator[Browser]:
    found = [shutil.which(program) for program in PROGRAMS]
    if not all(found):
        missing = f"not installed: {', '.join(p for p, path in zip(PROGRAMS, found, strict=True) if path is None)}"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    browser = Browser(system.url, program=str(found[0]), driver=str(found[1]))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Nobody is signed in. After the test, no page may have been broken or have asked elsewhere."""
    chromium.forget()
    yield chromium
    assert chromium.broken() == []
    assert chromium.strange_requests() == []
