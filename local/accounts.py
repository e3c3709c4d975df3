"""The accounts that servers run as: PostgreSQL refuses root, and RabbitMQ needs no more rights than its files."""

import os
import pwd
import subprocess
from pathlib import Path
from typing import TypedDict


class Identity(TypedDict, total=False):
    user: str
    group: int
    extra_groups: list[str]


def other_than_root(name: str, create: bool = False) -> str | None:
    """`name` if we are root and the machine has that account; None means: run as whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError:
        if not create:
            return None
    subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
    return name


def make_own_folder(folder: Path, account: str | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, account)


def give(path: Path, account: str | None) -> None:
    if account is not None:
        entry = pwd.getpwnam(account)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def can_reach(account: str | None, path: Path) -> bool:
    """Whether the account may pass every folder on the way to `path`."""
    return account is None or run_as(account, ["test", "-x", str(path)]).returncode == 0


def run_as(account: str | None, command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run to the end with output captured; the caller looks at the return code."""
    return subprocess.run(command, cwd=cwd or "/", capture_output=True, text=True, check=False, **identity(account))


def identity(account: str | None) -> Identity:
    """The arguments that make `subprocess` start something as the account."""
    if account is None:
        return {}
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []}


def become(account: str) -> None:
    """Give up root for good."""
    entry = pwd.getpwnam(account)
    os.initgroups(account, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
