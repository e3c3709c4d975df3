"""A new signing key takes over under load, and nobody who is signed in hears a 401.

A new key signs when its file has been there for 330 s, which a test can't wait for. But where no file is that old, the
first by name signs: the older key's file comes anew, under the last name, and the new one signs at once.
"""

import subprocess
import sys
import threading
from collections import Counter

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from local.settings import ROOT
from tests.system.test_tokens import parts

PATHS = ("/api/v1/users/me/", "/api/v1/tasks/")


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def renew(person):
    answer = person.post("/api/v1/auth/token/refresh/", json={"refresh": person.refresh})
    if answer.status_code == 200:
        person.access, person.refresh = answer.json()["access"], answer.json()["refresh"]
        person.headers["Authorization"] = f"Bearer {person.access}"
    return answer


class Load:
    """A few people who renew and use their tokens, until the end of `with`, and for no more than `most` rounds."""

    def __init__(self, people, most=3000):
        self.people, self.most = people, most
        self.refused, self.kids = [], Counter()
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(person,)) for person in people]

    def work(self, person):
        for _ in range(self.most):
            if self.ending.is_set():
                break
            answers = [renew(person), *(person.get(path) for path in PATHS)]
            self.refused += [answer.text for answer in answers if answer.status_code != 200]
            self.kids[kid_of(person.access)] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def folder(system):
    """Has its one key, of the same name, again after the test."""
    folder = system.data_dir / "signing_keys"
    (first,) = folder.glob("*.pem")
    pem = first.read_bytes()
    yield folder
    for path in folder.glob("*.pem"):
        if path.read_bytes() != pem:
            path.unlink()
        elif path != first:
            path.rename(first)


def rotate_now(system):
    done = subprocess.run(
        [sys.executable, "user_service/manage.py", "rotate_keys", "--now"],
        cwd=ROOT, env=system.web["user_service"], capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return [(line.split()[0], line.split()[-1]) for line in done.stdout.splitlines()]


def test_a_new_key_takes_over_under_load_without_one_false_401(system, folder):
    people = [system.register(name) for name in ("alice", "bob", "charlie")]
    laggard = system.register("dora")
    (was, old), (comes, new) = rotate_now(system)
    assert (was, comes) == ("active", "next")
    assert {key["kid"] for key in system.client().get("/.well-known/jwks.json").json()["keys"]} == {old, new}
    for service in ("user_service", "task_service"):
        system.kill(f"{service}.web")  # workers that start anew fetch the keys, as the others do within 330 s
        system.heal()

    with Load(people) as load:
        system.eventually(lambda: load.kids[old] > 20, seconds=60)
        min(folder.glob("*.pem")).rename(folder / "99991231T235959999999.pem")
        system.eventually(lambda: load.kids[new] > 40, seconds=60)

    assert load.refused == []
    assert kid_of(laggard.access) == old
    assert {laggard.get(path).status_code for path in PATHS for _ in range(4)} == {200}
    assert renew(laggard).status_code == 200
    assert kid_of(laggard.access) == new


def test_unknown_key_ids_cost_user_service_next_to_nothing(system, alice):
    fetch = '"path":"/.well-known/jwks.json"'
    _, claims = parts(alice.access)
    client, key = system.client(), ec.generate_private_key(ec.SECP256R1())
    before = system.log("user_service.web").count(fetch)

    for number in range(60):
        forged = jwt.encode(claims, key, algorithm="ES256", headers={"kid": f"unknown-{number}"})
        answer = client.get("/api/v1/tasks/", headers={"Authorization": f"Bearer {forged}"})
        assert answer.status_code == 401

    assert system.log("user_service.web").count(fetch) - before <= 2 * 2  # a worker fetches once in 30 s
