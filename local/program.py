"""What to run, as a file that `local.launch` turns into the process itself."""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]


@dataclass(frozen=True, kw_only=True)
class Program:
    """`helper` is a process that lives and dies with the program, `helper_port` where it listens."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    account: str | None = None
    stop_signal: str = "TERM"
    helper: list[str] | None = None
    helper_port: int = 0

    def save(self, folder: Path) -> Path:
        """The file holds secrets: only its owner reads it."""
        path = folder / f"{self.name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self) | {"folder": str(self.folder)}))
        return path

    @classmethod
    def load(cls, path: Path) -> "Program":
        fields = json.loads(path.read_text())
        return cls(**fields | {"folder": Path(fields["folder"])})


def remember_process(pid_file: Path) -> None:
    """Note the calling process, which leads its own process group."""
    pid_file.write_text(f"{os.getpid()} {os.getsid(0)}")


def kill_leftovers(pid_file: Path) -> None:
    """Kill what still lives of the noted process group, such as the workers of a server that was killed -9.

    The session is compared too, so a process number that was given away again hits no stranger.
    """
    if not pid_file.exists():
        return
    group, session = map(int, pid_file.read_text().split())
    deadline = time.monotonic() + 10
    while (
        leftovers := [pid for pid in psutil.pids() if _lives_in(pid, group, session)]
    ) and time.monotonic() < deadline:
        for pid in leftovers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    pid_file.unlink()


def _lives_in(pid: int, group: int, session: int) -> bool:
    try:
        inside = pid != os.getpid() and os.getpgid(pid) == group and os.getsid(pid) == session
        return inside and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
