"""`make bench-events`: from the commit of events in one service to the commit of their effect in the other."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median, quantiles

import pika
import psycopg

from benchmarks.quiet import Strangers, wait_until_quiet
from benchmarks.report import machine, say
from benchmarks.systems import tandem_alone
from common.broker import EXCHANGE, QUORUM
from common.broker.publisher import BrokerPublisher
from common.transport import Message
from local.errors import StartError

OWE = """
INSERT INTO common_outboxevent (event_id, type, aggregate_id, version, envelope, state, created_at, attempts, error)
SELECT event_id, 'task.created', id, 1, json_build_object(
    'specversion', '1.0', 'id', event_id, 'source', '/task_service', 'type', 'task.created', 'subject', id,
    'time', now(), 'datacontenttype', 'application/json',
    'data', json_build_object(
        'id', id, 'version', 1, 'title', 'Task of the benchmark', 'description', '', 'status', 'todo',
        'priority', 'none', 'start_at', NULL, 'due_at', NULL, 'parent', NULL, 'assignees', '[]'::json,
        'created_by', id, 'completed_at', NULL, 'created_at', now(), 'updated_at', now(), 'deleted_at', NULL)
    )::text, 'pending', now(), 0, ''
FROM (SELECT uuidv7() AS id, uuidv7() AS event_id FROM generate_series(1, %s)) AS made RETURNING aggregate_id
"""
QUEUE = "benchmark"
PATIENCE_SECONDS = 120
TIMES = 300  # latencies


def main() -> int:
    options = read_options()
    try:
        with ExitStack() as stack:
            tandem, everything = stack.enter_context(tandem_alone(workers=1))
            wait_until_quiet(everything)
            strangers = Strangers(everything)
            source = stack.enter_context(psycopg.connect(tandem.task_database, autocommit=True))
            mirror = stack.enter_context(psycopg.connect(tandem.user_database, autocommit=True))
            rates = [throughput(source, mirror, options.events) for _ in range(options.rounds)]
            wait_until_quiet(everything)
            delays = [latency(source, mirror) for _ in range(TIMES)]
            raw = measure_raw(tandem.user_service["BROKER_URL"], body=last_envelope(source), number=options.events)
            say(f"Other processes took {strangers.cores():.2f} cores meanwhile, the benchmark itself included")
    except StartError as error:
        print(f"The benchmark does not start: {error}", file=sys.stderr)
        return 1
    print_report(rates, delays, raw, options)
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--events", default=os.environ.get("EVENTS") or 20_000, type=int, help="of a round")
    parser.add_argument("--rounds", default=os.environ.get("ROUNDS") or 3, type=int)
    return parser.parse_args()


def last_envelope(source: psycopg.Connection) -> bytes:
    row = source.execute("SELECT envelope FROM common_outboxevent ORDER BY id DESC LIMIT 1").fetchone()
    assert row
    return str(row[0]).encode()


def throughput(source: psycopg.Connection, mirror: psycopg.Connection, number: int) -> float:
    """Return events/s, from the one commit of all of them to the commit of the last effect."""
    before = count(mirror)
    with source.transaction():
        source.execute(OWE, [number])
    started = time.perf_counter()
    until(lambda: count(mirror) == before + number, pause=0.02)
    return number / (time.perf_counter() - started)


def latency(source: psycopg.Connection, mirror: psycopg.Connection) -> float:
    """Return the seconds from the commit of one event to its effect's being there to read."""
    row = source.execute(OWE, [1]).fetchone()
    assert row
    started = time.perf_counter()
    until(lambda: mirror.execute("SELECT FROM task_mirror_mirroredtask WHERE id = %s", row).rowcount, pause=0.001)
    delay = time.perf_counter() - started
    time.sleep(secrets.randbelow(100) / 1000)  # not in step with whoever polls
    return delay


def count(mirror: psycopg.Connection) -> int:
    row = mirror.execute("SELECT count(*) FROM task_mirror_mirroredtask").fetchone()
    assert row
    return int(row[0])


def until(condition: Callable[[], object], *, pause: float) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not condition():
        if time.perf_counter() > deadline:
            raise SystemExit(f"The events are not there after {PATIENCE_SECONDS} s")
        time.sleep(pause)


def measure_raw(url: str, *, body: bytes, number: int) -> dict[str, float]:
    """Return messages/s of pika alone, on the same broker, with messages of the same size and as durable."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True, arguments=QUORUM)
    channel.queue_bind(QUEUE, EXCHANGE, QUEUE)
    channel.confirm_delivery()
    rates = {"publish, a confirm each": rate(number // 10, lambda n: publish_each(channel, body, n))}
    publisher = BrokerPublisher(url)
    rates["publish, pipelined confirms"] = rate(number, lambda n: publish_many(publisher, body, n))
    publisher.close()
    rates["consume, an ack per 100"] = rate(number, lambda n: consume(channel, n))
    channel.queue_delete(QUEUE)
    connection.close()
    return rates


def rate(number: int, work: Callable[[int], None]) -> float:
    started = time.perf_counter()
    work(number)
    return number / (time.perf_counter() - started)


def publish_each(channel: pika.channel.Channel, body: bytes, number: int) -> None:
    persistent = pika.BasicProperties(delivery_mode=2)
    for _ in range(number):
        channel.basic_publish("", QUEUE, body, persistent, mandatory=True)


def publish_many(publisher: BrokerPublisher, body: bytes, number: int) -> None:
    for first in range(0, number, 1000):
        names = map(str, range(first, min(first + 1000, number)))
        publisher.publish([Message(id=name, type=QUEUE, body=body) for name in names])


def consume(channel: pika.channel.Channel, number: int) -> None:
    channel.basic_qos(prefetch_count=1000)
    for taken, (method, _, _) in enumerate(channel.consume(QUEUE), start=1):
        if taken % 100 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if taken >= number:
            break
    channel.cancel()


def print_report(rates: list[float], delays: list[float], raw: dict[str, float], options: argparse.Namespace) -> None:
    each = " · ".join(f"{rate:.0f}" for rate in rates)
    p50, p99 = median(delays) * 1000, quantiles(delays, n=100)[98] * 1000
    print(f"\nOne relay, one consumer; {options.events} events a round; {machine()}\n")
    print("| | |\n|---|--:|")
    print(f"| from commit to commit, events/s | {each} |")
    print(f"| idle, one event: p50 · p99 · most, ms | {p50:.1f} · {p99:.1f} · {max(delays) * 1000:.1f} |")
    for name, value in raw.items():
        print(f"| pika alone: {name}, messages/s | {value:.0f} |")
    print(f"\nTo repeat: make bench-events EVENTS={options.events} ROUNDS={options.rounds}")


if __name__ == "__main__":
    sys.exit(main())
