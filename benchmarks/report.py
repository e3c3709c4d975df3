"""The table that the benchmark ends with, in Markdown."""

import platform
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Result:
    """`cpu_ms` is what one request costs the system and PostgreSQL, until all that it set off is done."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


# (operation, clients, name of the system) → its rounds; None is a run that failed
Results = dict[tuple[str, int, str], list[Result | None]]

HEADER = """\
| | clients | {0} req/s | p50 ms | p99 ms | CPU ms | {1} req/s | p50 ms | p99 ms | CPU ms | req/s | p99 | CPU |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def table(results: Results, names: tuple[str, str]) -> str:
    keys = dict.fromkeys((operation, clients) for operation, clients, _ in results)
    return "\n".join([HEADER.format(*names), *(row(results, *key, names) for key in keys)])


def row(results: Results, operation: str, clients: int, names: tuple[str, str]) -> str:
    ours, theirs = (medians(results[operation, clients, name]) for name in names)
    cells = [operation, str(clients), *figures(ours), *figures(theirs)]
    if ours and theirs:
        cells += [
            f"{ours.requests_per_second / theirs.requests_per_second:.2f}",
            f"{ours.p99_ms / theirs.p99_ms:.2f}",
            f"{ours.cpu_ms / theirs.cpu_ms:.2f}",
        ]
    else:
        cells += ["-", "-", "-"]
    return f"| {' | '.join(cells)} |"


def medians(rounds: list[Result | None]) -> Result | None:
    """Over the rounds; one failed round fails them all."""
    good = [result for result in rounds if result]
    if len(good) < len(rounds):
        return None
    return Result(*(median(values) for values in zip(*map(astuple, good), strict=True)))


def figures(result: Result | None) -> Iterator[str]:
    if result is None:
        yield from ("failed", "-", "-", "-")
    else:
        yield f"{result.requests_per_second:.0f}"
        yield from (f"{result.p50_ms:.1f}", f"{result.p99_ms:.1f}", f"{result.cpu_ms:.2f}")


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, Python {platform.python_version()}, {platform.system()}"


def say(line: str) -> None:
    print(line, flush=True)
