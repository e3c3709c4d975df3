"""Puts load on one system by wrk and refuses to count a run with a single bad answer."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
SMALLEST_ANSWER = 0.7  # of the answer that was looked at: an empty page and a redirect are smaller


class RunError(Exception):
    """A run that must not be counted; says why."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    content_type: str = ""
    body: str = ""

    def line(self) -> str:
        return "\t".join((self.method, self.path, self.content_type, self.body))


@dataclass(frozen=True)
class Workload:
    """Requests to send in turn, on whose behalf, and how long the body of a right answer is."""

    requests: list[Request]
    token: str
    answer_bytes: int


@dataclass(frozen=True)
class Answered:
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float


def ensure_wrk() -> None:
    """Installs wrk where this is Debian or Ubuntu and the user is root, else says how to get it."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing wrk", flush=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True, stdout=subprocess.DEVNULL)
        return
    raise SystemExit("The benchmark needs wrk: apt install wrk, or brew install wrk")


def put_load(origin: str, workload: Workload, *, clients: int, seconds: int) -> Answered:
    """From `clients` connections, each waiting for its answer before the next request. Raises RunError."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", str(SCRIPT)]
    if workload.token:
        command += ["-H", f"Authorization: Bearer {workload.token}"]
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.write("".join(request.line() + "\n" for request in workload.requests))
        file.flush()
        done = subprocess.run([*command, origin, "--", file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(done.stderr.strip() or done.stdout.strip())
    return read_result(json.loads(done.stdout.splitlines()[-1]), workload.answer_bytes)


def read_result(counted: dict[str, float], answer_bytes: int) -> Answered:
    requests = counted["requests"]
    if not requests:
        raise RunError("no request was answered")
    if counted["refused"] or counted["broken"]:
        raise RunError(f"{counted['refused']} answers were 4xx or 5xx, {counted['broken']} connections broke")
    if counted["bytes"] / requests < SMALLEST_ANSWER * answer_bytes:
        raise RunError(f"answers of {counted['bytes'] / requests:.0f} bytes instead of {answer_bytes}")
    return Answered(int(requests), counted["seconds"], counted["p50_ms"], counted["p99_ms"])
