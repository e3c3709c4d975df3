"""`make contracts`: what travels between the services, as JSON Schemas and an AsyncAPI document in docs/contracts/.

They are made from common/events.py and each service's publications.py and subscriptions.py. `make lint` (`--check`)
compares them with the code. A change that breaks somebody is refused by both: it has to be a new type.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from common import events
from common.cloudevents import Envelope
from local.asyncapi import document
from local.compatibility import breaks
from local.lint import production_environment
from local.settings import ROOT, SERVICES

FOLDER = ROOT / "docs" / "contracts"
ASYNCAPI, ENVELOPE = "asyncapi", "envelope"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: list[type[events.Event]] = [
    kind for kind in vars(events).values() if isinstance(kind, type) and "type" in vars(kind)
]
ADVICE = "Leave {0} as it was; tell {0}.v2 beside it until nobody hears the old one (README, Add an event)."
NO_OTHER_ENVELOPE = "Leave the envelope as it was: whoever hears anything reads it."


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Return the exit code: 1 for a change that breaks somebody, and with --check for files that are not up to date."""
    made, there = contracts(), committed(folder)
    if refused := incompatible({name: json.loads(text) for name, text in there.items()}, made):
        print("\n".join(refused), file=sys.stderr)
        return 1
    texts = {name: json.dumps(contract, indent=2, ensure_ascii=False) + "\n" for name, contract in made.items()}
    stale = [name for name, text in texts.items() if there.get(name) != text]
    if "--check" in arguments:
        if stale:
            print(f"docs/contracts/ is older than the code ({', '.join(stale)}): run `make contracts`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (folder / f"{name}.json").write_text(texts[name], encoding="utf-8")
    return 0


def contracts() -> dict[str, Any]:
    """Return each contract by the name of its file."""
    if silent := [kind.__name__ for kind in TYPES if "description" not in schema_of(kind, "")]:
        sys.exit(f"A docstring has to say what it tells: {', '.join(silent)}")
    schemas = {kind.type: schema_of(kind, f"event:{kind.type}") for kind in TYPES}
    envelope = schema_of(Envelope, "envelope")
    services = {service: described(service) for service in SERVICES}
    return schemas | {ENVELOPE: envelope, ASYNCAPI: document(schemas, envelope, services)}


def schema_of(kind: type, name: str) -> Any:
    """Return the JSON Schema of the class as one piece, without references."""
    (schema,), components = msgspec.json.schema_components([kind])
    return {"$schema": DIALECT, "$id": f"urn:tandem:{name}"} | _inlined(schema, components)


def _inlined(node: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(each, components) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(components[node["$ref"].rpartition("/")[2]], components)
    return {name: _inlined(each, components) for name, each in node.items()}


@cache
def described(service: str) -> Any:
    """Return what the service {"tells": types, "hears": types}; each is a process, for its settings are its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, f"{service}/manage.py", "describe_events"]
        environment = production_environment(Path(folder))
        output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output)


def committed(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}


def incompatible(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what breaks somebody, type by type, and what to do instead."""
    found: list[str] = []
    for name in sorted(old.keys() - {ASYNCAPI}):
        if name not in new:
            found.append(
                f"{name} is no event any more, but outboxes and dead letters may hold some. When nothing does, "
                f"delete docs/contracts/{name}.json as well."
            )
        elif reasons := breaks(old[name], new[name]):
            advice = NO_OTHER_ENVELOPE if name == ENVELOPE else ADVICE.format(name)
            found += [f"{name}: {reason}" for reason in reasons] + [advice]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
