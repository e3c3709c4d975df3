"""The AsyncAPI 3 document: who tells which events, by what exchange and queues, and who hears them."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.broker import EXCHANGE

CONTENT_TYPE = "application/cloudevents+json"
BINDING = "0.3.0"
DESCRIPTION = (
    "CloudEvents 1.0 in JSON, at least once, in order per aggregate. A consumer drops what it has by `id`, writes only "
    "what has a newer `version`, and ignores what it does not know."
)


def document(schemas: Mapping[str, Any], envelope: Any, services: Mapping[str, Mapping[str, Sequence[str]]]) -> Any:
    """Return it; `schemas` are those of `data` by type, `services` what each {"tells": types, "hears": types}.

    Messages and schemas are called like the classes: a dot in a key is more than some generators can take.
    """
    names = {type_name: schema["title"] for type_name, schema in schemas.items()}
    channels, operations = {EXCHANGE: _exchange(names)}, dict[str, Any]()
    for service, of in services.items():
        tells, hears = ([names[type_name] for type_name in of[what]] for what in ("tells", "hears"))
        channels[service] = _queue(service, hears)
        operations |= {f"{service}_send": _send(tells), f"{service}_receive": _receive(service, hears)}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:tandem",
        "info": {"title": "Tandem's events", "version": "1", "description": DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"rabbitmq": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {names[type_name]: _message(type_name, schema) for type_name, schema in schemas.items()},
            "schemas": {schema["title"]: _embedded(schema) for schema in [envelope, *schemas.values()]},
            "securitySchemes": {"account": {"type": "userPassword"}},
        },
    }


def _server() -> Any:
    return {
        "host": "rabbitmq:5672",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "Each service's BROKER_URL.",
        "security": [_ref("components", "securitySchemes", "account")],
    }


def _exchange(names: Mapping[str, str]) -> Any:
    exchange = {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {
        "address": "{type}",
        "description": "The routing key is the event's type.",
        "parameters": {"type": {"enum": list(names), "location": "$message.payload#/type"}},
        "messages": {name: _ref("components", "messages", name) for name in names.values()},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
    }


def _queue(service: str, names: Sequence[str]) -> Any:
    queue = {"name": service, "durable": True, "exclusive": False, "autoDelete": False, "vhost": "/"}
    return {
        "address": service,
        "description": f"A quorum queue, bound to `{EXCHANGE}` by the type of each message that is here.",
        "messages": {name: _ref("components", "messages", name) for name in names},
        "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": BINDING}},
    }


def _send(names: Sequence[str]) -> Any:
    return {
        "action": "send",
        "channel": _ref("channels", EXCHANGE),
        "messages": [_ref("channels", EXCHANGE, "messages", name) for name in names],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": BINDING}},
    }


def _receive(service: str, names: Sequence[str]) -> Any:
    return {
        "action": "receive",
        "channel": _ref("channels", service),
        "messages": [_ref("channels", service, "messages", name) for name in names],
        "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
    }


def _message(type_name: str, schema: Any) -> Any:
    data = _ref("components", "schemas", schema["title"])
    of_this_type = {"type": "object", "properties": {"type": {"const": type_name}, "data": data}}
    return {
        "name": type_name,
        "title": schema["title"],
        "summary": schema["description"],
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.payload#/requestid"},
        "payload": {"allOf": [_ref("components", "schemas", "Envelope"), of_this_type]},
        "bindings": {"amqp": {"messageType": type_name, "bindingVersion": BINDING}},
    }


def _embedded(schema: Any) -> Any:
    """Return a schema as it may stand inside of a document: an `$id` would move what the references around it mean."""
    return {name: value for name, value in schema.items() if name not in ("$id", "$schema")}


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}
