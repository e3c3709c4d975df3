"""What a process refuses to start with; each case is a process of its own."""

import os
import subprocess
import sys
from secrets import token_urlsafe

import pytest

from local import ports

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": token_urlsafe(48),
    "SERVICE_CREDENTIAL": token_urlsafe(24),
    "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:9/nowhere",
    "BROKER_URL": "amqp://guest:guest@127.0.0.1:9/",
    "PEERS": "",
    "PUBLIC_URL": "https://tandem.example.org",
    "EMAIL_URL": "smtp+tls://mailer:a-secret@mail.example.org:587",
    "ALLOWED_HOSTS": "tandem.example.org",
}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "static").mkdir()

    def start(*command, **changes):
        """A change to None takes the variable away."""
        environment = GOOD | {"SIGNING_KEYS_DIR": str(tmp_path / "keys"), "STATIC_ROOT": str(tmp_path / "static")}
        environment = {name: value for name, value in (environment | changes).items() if value is not None}
        return subprocess.run(
            [sys.executable, *command],
            env=environment | {"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return start


@pytest.fixture
def check(run):
    return lambda *options, **changes: run("user_service/manage.py", "check", *options, **changes)


def test_good_settings_start(check):
    result = check()
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is shorter than 16 characters"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 16 characters"),
        ({"SECRET_KEY": "local-only-key-of-the-example"}, "SECRET_KEY has a local-only value"),
        ({"SERVICE_CREDENTIAL": None}, "SERVICE_CREDENTIAL"),
        ({"SERVICE_CREDENTIAL": "local-only-credential"}, "SERVICE_CREDENTIAL has a local-only value"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://u:a-secret@:port/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://u:local-only-x@h/x"}, "DATABASE_URL has a local-only value"),
        ({"DATABASE_URL": "postgres://u:a-secret@/x"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "postgres:///x"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "postgres://u:a-secret@h/"}, "DATABASE_URL must name a database"),
        ({"BROKER_URL": "amqp://u:local-only-x@h/"}, "BROKER_URL has a local-only value"),
        ({"SIGNING_KEYS_DIR": None}, "SIGNING_KEYS_DIR"),
        ({"SIGNING_KEYS_DIR": ""}, "SIGNING_KEYS_DIR"),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT must be local or production"),
        ({"BROKER_URL": "redis://localhost"}, "BROKER_URL must start with amqp"),
        ({"BROKER_URL": ""}, "Set BROKER_URL, or PEERS"),
        ({"BROKER_URL": "", "PEERS": "task_service"}, "PEERS"),
        ({"BROKER_URL": "amqp:///vhost"}, "BROKER_URL must start with amqp:// or amqps:// and name a host"),
        ({"PEERS": "task_service=http:///"}, "PEERS must start with"),
        ({"PUBLIC_URL": None}, "PUBLIC_URL"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://"}, "PUBLIC_URL must start with"),
        ({"PUBLIC_URL": "localhost:8080"}, "PUBLIC_URL must start with http"),
        ({"PUBLIC_URL": "ftp://tandem.example.org"}, "PUBLIC_URL must start with http"),
        ({"PUBLIC_URL": "https://tandem.example.org/app"}, "PUBLIC_URL must be an origin"),
        ({"EMAIL_URL": None}, "EMAIL_URL"),
        ({"EMAIL_URL": ""}, "EMAIL_URL"),
        ({"EMAIL_URL": "dummymail://"}, "EMAIL_URL must start with smtp://"),
        ({"EMAIL_URL": "smtp://u:a-secret@:25"}, "EMAIL_URL must start with smtp://"),
        ({"EMAIL_URL": "smtp://u:local-only-x@h"}, "EMAIL_URL has a local-only value"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"OPERATORS_NEED_SECOND_FACTOR": "yes"}, "OPERATORS_NEED_SECOND_FACTOR must be true or false"),
        ({"OPERATORS_NEED_SECOND_FACTOR": ""}, "OPERATORS_NEED_SECOND_FACTOR must be true or false"),
    ],
    ids=lambda value: ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None,
)
def test_a_bad_setting_is_named(check, changes, said):
    result = check(**changes)
    assert result.returncode != 0
    assert said in result.stderr.splitlines()[-1]
    assert "a-secret" not in result.stderr


@pytest.mark.parametrize("url", [None, "", "user_service/jwks.json", "http:///jwks.json", "file:///etc/passwd"])
def test_the_service_that_checks_tokens_needs_to_know_where_the_keys_are(run, url):
    result = run("task_service/manage.py", "check", JWKS_URL=url)
    assert result.returncode != 0
    assert "JWKS_URL" in result.stderr.splitlines()[-1]


def test_a_database_may_be_behind_a_socket(check):
    assert check(DATABASE_URL="postgres:///tandem?host=/run/postgresql").returncode == 0


@pytest.mark.parametrize("value", ["true", "false"])
def test_operators_may_need_a_second_factor(check, value):
    assert check(OPERATORS_NEED_SECOND_FACTOR=value).returncode == 0


def test_the_public_url_has_a_default_for_local_use_only(check):
    assert check(ENVIRONMENT="local", PUBLIC_URL=None).returncode == 0


def test_the_example_values_are_for_local_use(check):
    example = {"SECRET_KEY": "local-only-key-of-the-example", "SERVICE_CREDENTIAL": "local-only-credential"}
    assert check(ENVIRONMENT="local", **example).returncode == 0


def test_production_is_what_nobody_chose(check):
    assert "local-only" in check(ENVIRONMENT=None, SECRET_KEY="local-only-key-of-the-example").stderr


def test_the_deployment_check_misses_the_signing_key(check, run):
    assert "tokens.E001" in check("--deploy").stderr
    run("user_service/manage.py", "create_signing_key")
    assert "tokens.E001" not in check("--deploy").stderr


@pytest.mark.parametrize("command", ["relay_events", "consume_events", "run_schedule"])
def test_what_signs_nothing_starts_without_a_signing_key(tmp_path, command):
    process = subprocess.Popen(
        [sys.executable, "user_service/manage.py", command],
        env=os.environ | GOOD | {"SIGNING_KEYS_DIR": str(tmp_path), "STATIC_ROOT": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with process:
        said = process.stdout.readline()
        process.terminate()
    assert '"waiting"' in said  # for the database or the broker: both are away
    assert process.returncode == 0


def test_the_web_process_refuses_to_start_without_a_signing_key(run):
    port = str(ports.pick())
    result = run("-m", "granian", "--interface", "wsgi", "--port", port, "user_service.wsgi:application")
    assert result.returncode != 0
    assert "SIGNING_KEYS_DIR" in result.stdout + result.stderr
