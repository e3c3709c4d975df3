"""What a web worker does before its first request."""

import importlib
import sys

from common.keys import key_set
from common.revocations import Revocations, revoked
from tests.waiting import wait_until


def test_a_worker_fetches_the_keys_and_the_ended_sign_ins_before_the_first_token(issuer, monkeypatch):
    watched = []
    monkeypatch.setattr(Revocations, "watch", lambda self: watched.append(self))
    monkeypatch.delitem(sys.modules, "task_service.wsgi", raising=False)
    importlib.import_module("task_service.wsgi")
    wait_until(lambda: key_set.keys)
    assert list(key_set.keys) == [issuer.kid]
    assert watched == [revoked]
