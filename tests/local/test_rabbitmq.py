import time

import pika
import pytest

from local.rabbitmq import RabbitMQ, find_server

pytestmark = pytest.mark.skipif(find_server() is None, reason="rabbitmq-server is not installed")


@pytest.fixture(scope="module")
def broker():
    with RabbitMQ.throw_away() as running:
        yield running


def connect(url):
    return pika.BlockingConnection(pika.URLParameters(url))


def get(url, queue):
    """A queue's leader is elected a moment after the node's start."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with connect(url) as connection:
                method, _, body = connection.channel().basic_get(queue)  # not acknowledged: an answer may get lost
            if method is not None:
                return body
        except pika.exceptions.ConnectionClosedByBroker:
            pass
        time.sleep(0.5)
    return None


def test_a_confirmed_message_survives_kill_9_of_the_node(broker):
    with connect(broker.url) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "kept", b"news", pika.BasicProperties(delivery_mode=2))
    time.sleep(2)  # RabbitMQ 3.10 notes a new queue on the disk half a second late
    broker.kill()
    broker.start()
    assert get(broker.url, "kept") == b"news"


def test_two_nodes_never_meet(broker):
    with RabbitMQ.throw_away() as other:
        assert broker.name not in other.control("cluster_status")
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            connect(other.url.replace(other.password, broker.password))
