"""A private RabbitMQ node: own name, ports, folders, cookie and port mapper, so that it never meets another one."""

import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Self

from local import ports
from local.accounts import give, make_own_folder, other_than_root, run_as
from local.errors import StartError
from local.program import Program
from local.server import Server, temporary_folder

USER = "tandem"


class RabbitMQ(Server):
    """`name` tells nodes apart; data belongs to it, so it stays the same over restarts."""

    def __init__(self, folder: Path, *, name: str, port: int, peer_port: int, mapper_port: int, password: str):
        self.folder = folder
        self.name = name
        self.port = port
        self.peer_port = peer_port
        self.mapper_port = mapper_port
        self.password = password
        self.account = account()

    @classmethod
    def throw_away(cls) -> Self:
        """Raises FileNotFoundError where `find_server` finds none."""
        if find_server() is None:
            raise FileNotFoundError("rabbitmq-server is not installed")
        folder = temporary_folder(account()) / "rabbitmq"
        port = ports.pick()
        peer_port = ports.pick({port})
        mapper_port = ports.pick({port, peer_port})
        secret = secrets.token_hex(16)
        return cls(
            folder, name=secret[:8], port=port, peer_port=peer_port, mapper_port=mapper_port, password=secret
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.port}/%2F"

    def prepare(self) -> None:
        make_own_folder(self.folder, self.account)
        self._write("enabled_plugins", "[].\n")
        settings = {
            "listeners.tcp.local": f"127.0.0.1:{self.port}",
            "default_user": USER,
            "default_pass": self.password,
            "max_message_size": "16777216",  # what RabbitMQ 4 has; 3 takes eight times as much
            "log.file": "false",
            "log.console": "true",
            "log.console.level": "info",
        }
        self._write("rabbitmq.conf", "".join(f"{key} = {value}\n" for key, value in settings.items()))

    def _write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(content)
        give(path, self.account)

    def program(self) -> Program:
        return Program(
            name="rabbitmq",
            command=[str(find_server())],
            environment=self._environment(),
            folder=self.folder,
            account=self.account,
            helper=["epmd", "-port", str(self.mapper_port), "-address", "127.0.0.1"],
            helper_port=self.mapper_port,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": _search_path(),
            "HOME": str(self.folder),  # where Erlang keeps the cookie
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tandem-{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.peer_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # The start script becomes the server instead of watching it: its process number is the server's.
            "detached": "true",
        }

    def is_ready(self) -> bool:
        """The listener opens last; an AMQP server greets a client's header with a method frame."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def control(self, *arguments: str) -> str:
        """`rabbitmqctl` on this node; raises StartError with what it said."""
        environment = [f"{key}={value}" for key, value in self._environment().items()]
        command = ["env", "-i", *environment, str(_script("rabbitmqctl")), *arguments]
        result = run_as(self.account, command, cwd=self.folder)
        if result.returncode != 0:
            raise StartError(result.stdout + result.stderr)
        return result.stdout


def account() -> str | None:
    return other_than_root("rabbitmq")


def find_server() -> Path | None:
    return _script("rabbitmq-server")


def _script(name: str) -> Path | None:
    """The script itself: Debian puts a wrapper on the path that serves root and `rabbitmq` only and hides the server
    behind `su`."""
    found = shutil.which(name, path=_search_path())
    if found is None:
        return None
    wrapper = Path(found).resolve()
    return wrapper.with_name(name) if wrapper.name == "rabbitmq-script-wrapper" else Path(found)


def _search_path() -> str:
    """Other people than root often lack the folders of system programs in their path."""
    path = os.environ["PATH"]
    return path if os.geteuid() == 0 else f"{path}:/usr/local/sbin:/usr/sbin"
