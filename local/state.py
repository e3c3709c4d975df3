"""What DATA_DIR remembers between two starts: secrets, ports, and who runs it now."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import ports
from local.accounts import can_reach, other_than_root
from local.errors import StartError


class State:
    """One file, readable by its owner only, replaced as a whole."""

    def __init__(self, path: Path):
        self.path = path
        self._values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def secret(self, name: str) -> str:
        """Made once, safe in a URL."""
        return str(self._remember("secrets", name, secrets.token_hex(24)))

    def ports(self, names: list[str]) -> dict[str, int]:
        """The ports of last time, others where somebody took them meanwhile."""
        chosen: dict[str, int] = {}
        for name in names:
            port = self._values.get("ports", {}).get(name)
            usable = port is not None and port not in chosen.values() and ports.is_free(port)
            chosen[name] = port if usable else ports.pick(chosen.values())
        self._values["ports"] = chosen
        self._save()
        return chosen

    def fact(self, name: str) -> str | None:
        value = self._values.get("facts", {}).get(name)
        return None if value is None else str(value)

    def note(self, name: str, value: str) -> None:
        self._values.setdefault("facts", {})[name] = value
        self._save()

    def _remember(self, kind: str, name: str, new: str) -> Any:
        known = self._values.setdefault(kind, {})
        if name not in known:
            known[name] = new
            self._save()
        return known[name]

    def _save(self) -> None:
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(json.dumps(self._values, indent=1))
        new.rename(self.path)


def make_data_dir(data_dir: Path) -> None:
    """Raises StartError."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        for name in ("run", "logs", "mail"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartError(f"DATA_DIR {data_dir}: {error.strerror}") from None
    if data_dir.stat().st_uid != os.geteuid():
        raise StartError(f"DATA_DIR {data_dir} belongs to another user: start as that user or choose another DATA_DIR")


def find_home(data_dir: Path, state: State) -> Path:
    """Where the servers of other accounts keep their files: DATA_DIR, unless we are root and it is closed to others."""
    if can_reach(other_than_root("nobody"), data_dir):
        return data_dir
    home = Path("/var/tmp") / f"tandem-{state.secret('home')[:16]}"
    home.mkdir(mode=0o711, exist_ok=True)
    return home


@contextmanager
def held_by_us(data_dir: Path) -> Iterator[None]:
    """The kernel drops the lock with its holder, however that one ends. Raises StartError."""
    with (data_dir / "run" / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"Tandem runs already in {data_dir}; `make down` with the same DATA_DIR stops it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(data_dir: Path) -> int | None:
    """The process that holds the lock."""
    path = data_dir / "run" / "lock"
    if not path.exists():
        return None
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None
