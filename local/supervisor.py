"""supervisord: keeps the processes alive, and stops them in order when it ends."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from local.program import Program, kill_leftovers
from local.settings import ROOT

STOP_SECONDS = 15
LINK = "socket"


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    state: str


class Supervisor:
    """Works in DATA_DIR/run. Groups stop in the reverse of their order here."""

    def __init__(self, data_dir: Path):
        self.run = data_dir / "run"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, groups: dict[str, list[Program]]) -> None:
        for programs in groups.values():
            for program in programs:
                program.save(self.run)
        socket = self._make_socket()
        (self.run / "supervisord.conf").write_text(_configuration(groups, socket))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=self.run, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=_end_with_parent,
        )  # fmt: skip

    def _make_socket(self) -> Path:
        """In a folder of its own: a socket's path has at most 107 bytes, which DATA_DIR may exceed."""
        self.forget_socket()
        folder = Path(tempfile.mkdtemp(prefix="tandem-", dir="/tmp"))
        (self.run / LINK).symlink_to(folder)
        return folder / "supervisor.sock"

    def forget_socket(self) -> None:
        link = self.run / LINK
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()

    def start_group(self, name: str) -> None:
        self._call("startProcessGroup", name, False)

    def processes(self) -> list[Process]:
        """Raises OSError when no supervisord answers, or one that is on its way out."""
        try:
            found = self._call("getAllProcessInfo")
        except xmlrpc.client.Fault as fault:
            raise OSError(fault.faultString) from fault
        return [Process(each["name"], each["pid"], each["statename"]) for each in found]

    def process(self, name: str) -> Process:
        return next(process for process in self.processes() if process.name == name)

    def runs(self, name: str) -> bool:
        return self.process(name).state == "RUNNING"

    def _call(self, method: str, *arguments: Any) -> Any:
        path = (self.run / LINK).readlink() / "supervisor.sock"
        transport = SupervisorTransport(serverurl=f"unix://{path}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Also ends what an earlier supervisord left here, if that one was killed."""
        process = self._process or self._stale()
        if process is not None:
            _end(process)
        for pid_file in self.run.glob("*.pid"):
            if pid_file.name != "supervisord.pid":
                kill_leftovers(pid_file)
        (self.run / "supervisord.pid").unlink(missing_ok=True)
        self.forget_socket()

    def _stale(self) -> psutil.Process | None:
        """The process of the pid file, if it is a supervisord that works in this folder."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int((self.run / "supervisord.pid").read_text()))
            if "supervisor.supervisord" in process.cmdline() and Path(process.cwd()) == self.run:
                return process
        return None


def _end(process: psutil.Process | subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5 * STOP_SECONDS)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """On Linux a killed -9 runner takes the whole system with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _environment() -> dict[str, str]:
    """What `python -m local.launch` needs, by names: no path has to survive the configuration's own syntax."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def _configuration(groups: dict[str, list[Program]], socket: Path) -> str:
    parts = [
        f"[unix_http_server]\nfile={socket}\nchmod=0600\n",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=../logs/supervisord.log\nlogfile_maxbytes=5MB\n"
        "logfile_backups=1\npidfile=supervisord.pid\n" + ("user=root\n" if os.geteuid() == 0 else ""),
    ]
    for priority, (group, programs) in enumerate(groups.items(), start=1):
        names = ",".join(program.name for program in programs)
        parts.append(f"[group:{group}]\nprograms={names}\npriority={priority}\n")
        parts += [_section(program) for program in programs]
    return "\n".join(parts)


def _section(program: Program) -> str:
    return (
        f"[program:{program.name}]\ncommand=python -m local.launch {program.name}.json ../logs/{program.name}.log\n"
        "autostart=false\nautorestart=true\nstartsecs=1\nstartretries=1000000\n"
        f"stopsignal={program.stop_signal}\nstopwaitsecs={STOP_SECONDS}\nkillasgroup=true\n"
        "stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
