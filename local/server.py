"""A server of someone else's making: how to prepare it, what to run, when it is ready; run for real in `with`."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from local.accounts import can_reach
from local.errors import StartError
from local.program import Program, kill_leftovers
from local.settings import ROOT


class Server(ABC):
    """Under supervisord only `prepare`, `program` and `wait_until_ready` are used.

    Tests use it as a context manager: it runs on free ports in a temporary folder that goes away at the end,
    and can be `kill`ed (-9), `stop`ped, `start`ed and `restart`ed with its data kept.
    """

    folder: Path
    account: str | None
    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Write what the server needs before its start. May run twice."""

    @abstractmethod
    def program(self) -> Program: ...

    @abstractmethod
    def is_ready(self) -> bool: ...

    def wait_until_ready(self, is_alive: Callable[[], bool], timeout: float = 90) -> None:
        """Raises StartError when it ends or stays silent."""
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if not is_alive():
                raise StartError(f"{self.program().name} did not start")
            if time.monotonic() > deadline:
                raise StartError(f"{self.program().name} is not ready after {timeout:.0f} s")
            time.sleep(0.1)

    @property
    def log(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    def start(self) -> None:
        self.prepare()
        specification = self.program().save(self.folder.parent)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.launch", str(specification)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self.wait_until_ready(self.is_running)
        except StartError as error:
            self.stop()
            raise StartError(f"{error}\n{self.log.read_text()[-3000:]}") from None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise StartError(f"{self.program().name} was not started")
        return self._process.pid

    def stop(self) -> None:
        self._end(signal.Signals[f"SIG{self.program().stop_signal}"])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self.is_running():
            os.kill(self._process.pid, number)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        kill_leftovers(self.folder.parent / f"{self.program().name}.pid")
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.clear()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Stop and remove the temporary folder."""
        self.stop()
        shutil.rmtree(self.folder.parent, ignore_errors=True)


def temporary_folder(account: str | None) -> Path:
    """A short path (sockets) that the server's account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-"))
    folder.chmod(0o711)
    if can_reach(account, folder):
        return folder
    folder.rmdir()
    folder = Path(tempfile.mkdtemp(prefix="tandem-", dir="/var/tmp"))
    folder.chmod(0o711)
    return folder
