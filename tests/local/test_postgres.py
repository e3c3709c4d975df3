import psycopg
import pytest

from local.postgres import Postgres


@pytest.fixture(scope="module")
def postgres():
    with Postgres.throw_away() as running:
        yield running


def test_a_service_opens_its_own_database_only(postgres):
    ours = postgres.create_database("ours", "secret-of-ours")
    postgres.create_database("theirs", "secret-of-theirs")
    psycopg.connect(ours).close()
    for other in ("theirs", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(ours, dbname=other)


def test_a_password_is_asked_for(postgres):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url().replace(postgres.password, "guess"))


def test_a_commit_survives_kill_9(postgres):
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    postgres.kill()
    assert not postgres.is_running()
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
