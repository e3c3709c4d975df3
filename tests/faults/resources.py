"""I7: what every process of ours holds of the machine."""

from collections import Counter
from contextlib import suppress
from typing import NamedTuple

import psutil

from tests.system.running import System


class Held(NamedTuple):
    descriptors: int
    threads: int
    database: int  # connections of its own, as the kernel sees them
    broker: int


def held(system: System) -> dict[str, Held]:
    """By process name, with all its workers; what clients have opened to it is theirs."""
    return {name: _of(pid, system) for name, (pid, _) in system.processes().items() if "_service." in name}


def _of(pid: int, system: System) -> Held:
    total: Counter[str] = Counter()
    databases = {network.port for network in system.networks.values()}
    nodes = {network.port for network in system.broker_networks}
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            connections = process.net_connections(kind="tcp")
            served = {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
            incoming = [each for each in connections if each.raddr and each.laddr.port in served]
            total["descriptors"] += process.num_fds() - len(incoming)
            total["threads"] += process.num_threads()
            total["database"] += sum(bool(each.raddr) and each.raddr.port in databases for each in connections)
            total["broker"] += sum(bool(each.raddr) and each.raddr.port in nodes for each in connections)
    return Held(*(total[field] for field in Held._fields))


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def most(looks: list[dict[str, Held]]) -> dict[str, Held]:
    return {name: Held(*map(max, *(look[name] for look in looks))) for name in looks[0]}


def leaks(now: dict[str, Held], before: dict[str, Held]) -> dict[str, tuple[Held, Held]]:
    """What holds more than before."""
    more = {name for name, each in now.items() if any(a > b for a, b in zip(each, _allowed(name, before), strict=True))}
    return {name: (before[name], now[name]) for name in more}


def _allowed(name: str, before: dict[str, Held]) -> Held:
    """A web worker's last attempts to reach a database that is away wait for its garbage collector."""
    held = before[name]
    if not name.endswith(".web"):
        return held
    return held._replace(descriptors=held.descriptors + 6, database=held.database + 4)
