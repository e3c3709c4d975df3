"""Signing in at the edge: what guessing costs, what a second factor asks, how a browser is renewed on its way."""

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pyotp
import pytest

from tests.system.running import PASSWORD
from tests.system.test_revocation import PATHS, claims, lock_the_account
from tests.system.test_tokens import Pen

TOKEN, REFRESH = "/api/v1/auth/token/", "/api/v1/auth/token/refresh/"
SECOND_FACTOR = "/api/v1/auth/second-factor/"


@pytest.fixture
def sign_in(system):
    def ask(username, password=PASSWORD, **more):
        return system.client().post(TOKEN, json={"username": username, "password": password} | more)

    return ask


def without_id(answer):
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_an_unknown_name_and_a_wrong_password_are_told_the_same(alice, sign_in):
    wrong, unknown = sign_in(alice.username, "wrong"), sign_in(f"{alice.username}-x")
    assert wrong.status_code == unknown.status_code == 401
    assert without_id(wrong) == without_id(unknown)
    assert wrong.json()["code"] == "invalid_credentials"


def test_the_tenth_wrong_password_locks_that_name_and_no_other(alice, bob, sign_in):
    guesses = [sign_in(alice.username, "wrong") for _ in range(10)]
    assert [answer.status_code for answer in guesses] == [401] * 9 + [429]
    locked = sign_in(alice.username)
    assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert sign_in(bob.username).status_code == 200


def test_who_has_a_second_factor_is_asked_for_it(alice, sign_in):
    app = pyotp.TOTP(alice.post(SECOND_FACTOR, json={"password": PASSWORD}).json()["secret"])
    turned_on = alice.post(f"{SECOND_FACTOR}confirm/", json={"code": app.now()})
    code = turned_on.json()["recovery_codes"][0]
    assert sign_in(alice.username).json()["code"] == "second_factor_required"
    assert sign_in(alice.username, code="000000").json()["code"] == "invalid_credentials"
    pair = sign_in(alice.username, code=code).json()
    assert claims(pair["access"])["amr"] == ["pwd", "mfa"]
    assert sign_in(alice.username, code=code).status_code == 401  # it was good once


def test_operators_without_one_may_only_set_it_up_where_they_need_one(brokerless):
    credentials = {"username": brokerless.operator, "password": brokerless.operator_password}
    refused = brokerless.client().post(TOKEN, json=credentials)
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_not_set_up")
    browser = brokerless.client(headers={"Accept": "text/html"})
    browser.get("/login/")
    signed_in = browser.post("/login/", data=credentials | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]})
    assert signed_in.headers["Location"].startswith("/login/second-factor/")
    bearer = brokerless.client(headers={"Authorization": f"Bearer {signed_in.cookies['tandem_access']}"})
    assert {bearer.get(path).json()["code"] for path in PATHS} == {"second_factor_not_set_up"}


def test_a_worker_hashes_one_password_at_a_time(system, alice, sign_in):
    """46 MiB each: sign-ins that come at once don't take the machine's memory."""
    workers = psutil.Process(system.pid("user_service.web")).children(recursive=True)
    before = {worker.pid: worker.memory_info().rss for worker in workers}
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(sign_in, alice.username) for _ in range(16)]
        grown = [0]
        while not all(answer.done() for answer in answers):
            grown += [worker.memory_info().rss - before[worker.pid] for worker in workers]
    assert {answer.result().status_code for answer in answers} == {200}
    assert max(grown) < 2 * 46 * 2**20


def test_who_was_locked_gets_no_new_tokens(system, alice):
    assert lock_the_account(system, alice, None).status_code == 302
    answer = system.client().post(REFRESH, json={"refresh": alice.refresh})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("path", ["/api/v1/users/me/", "/api/v1/tasks/?status=todo"])
def test_a_browser_whose_token_ran_out_is_renewed_on_its_way(system, alice, path):
    now = int(time.time())
    old = Pen(system, alice.access).write(iat=now - 700, exp=now - 100)
    browser = system.client(headers={"Accept": "text/html"}, follow_redirects=True)
    domain = f"{browser.base_url.host}.local"  # so Python's cookie jar calls a host without a dot
    browser.cookies.set("tandem_access", old, domain=domain)
    browser.cookies.set("tandem_refresh", alice.refresh, domain=domain, path="/login/")
    page = browser.get(path)
    assert [step.status_code for step in (*page.history, page)] == [302, 302, 200]
    assert (page.url.raw_path.decode(), alice.username in page.text) == (path, True)
