"""A pytest plugin that gives a service its environment before Django reads it, which is before any conftest.

Under `make test` the environment is there already; a bare `pytest --ds=user_service.settings tests/user_service` gets a
PostgreSQL of its own, that lives as long as the run.
"""

import os

import pytest

from local.postgres import Postgres
from local.test import settings


def pytest_addoption(parser, pluginmanager):
    """Without pytest-django its option in pyproject.toml would be a typing error."""
    if pluginmanager.is_blocked("django"):
        parser.addini("django_find_project", "pytest-django's", type="bool")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config, parser, args):
    service = (getattr(parser.parse_known_args(args), "ds", None) or "").removesuffix(".settings")
    if service and "DATABASE_URL" not in os.environ:
        postgres = Postgres.throw_away()
        early_config.add_cleanup(postgres.clear)
        postgres.start()
        os.environ.update(settings(postgres.url(service), broker_url=os.environ.get("BROKER_URL", "")))
    return (yield)
