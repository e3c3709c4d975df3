"""Every path that a service answers, out of its URL configuration."""

import re
import subprocess
import sys

from local.settings import ROOT
from tests.system.running import System

WALK = """
from django.conf import settings
from django.urls import get_resolver

def walk(resolver, before):
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        walk(pattern, path) if hasattr(pattern, "url_patterns") else print(path)

walk(get_resolver(settings.ROOT_URLCONF), "/")
"""
APPS = re.compile(r"\^\(\?P<app_label>([\w|]+)\)/\$$")  # one page for each app of an admin
REST = re.compile(r"\(\?P<url>\.\*\)\$$")  # what an admin answers to all else


def routes_of(system: System) -> set[str]:
    """The paths of both services, with `{id}` where one names a thing."""
    walks = [
        subprocess.Popen(
            [sys.executable, f"{service}/manage.py", "shell", "--verbosity=0", "--command", WALK],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
        )
        for service, environment in system.web.items()
    ]  # fmt: skip
    patterns = [line for walk in walks for line in walk.communicate(timeout=60)[0].splitlines()]
    assert [walk.returncode for walk in walks] == [0, 0]
    return {route for pattern in patterns for route in _written_out(pattern)}


def _written_out(pattern: str) -> list[str]:
    if apps := APPS.search(pattern):
        return [pattern[: apps.start()] + f"{app}/" for app in apps[1].split("|")]
    return [re.sub(r"<[^>]*>", "{id}", REST.sub("nothing/", pattern))]
