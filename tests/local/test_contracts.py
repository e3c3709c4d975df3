"""The published contracts: valid by what others say, as the code is, and not to be broken by accident.

tests/asyncapi/ holds the official schema of AsyncAPI 3.0.0 as it came with @asyncapi/specs 6.11.1 (Apache License 2.0).
"""

import json
from collections import Counter

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from local import contracts
from local.settings import ROOT, SERVICES

OFFICIAL = json.loads((ROOT / "tests" / "asyncapi" / "3.0.0.json").read_text())


@pytest.fixture(scope="module")
def published():
    return {name: json.loads(text) for name, text in contracts.committed(contracts.FOLDER).items()}


@pytest.fixture
def folder(tmp_path):
    """A copy that a test may spoil: `folder("task.created", lambda schema: …)`."""
    for path in contracts.FOLDER.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())

    def spoil(name, change):
        path = tmp_path / f"{name}.json"
        contract = json.loads(path.read_text())
        change(contract)
        path.write_text(json.dumps(contract))
        return path

    spoil.path = tmp_path
    return spoil


class TestWhatIsPublished:
    def test_each_schema_is_one_of_json_schema_2020_12(self, published):
        for name, schema in published.items():
            if name != contracts.ASYNCAPI:
                assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
                Draft202012Validator.check_schema(schema)

    def test_each_schema_says_which_it_is_and_what_it_tells(self, published):
        for kind in contracts.TYPES:
            schema = published[kind.type]
            assert schema["$id"] == f"urn:tandem:event:{kind.type}"
            assert schema["title"] == kind.__name__
            assert schema["description"] == " ".join(kind.__doc__.split())

    def test_unknown_fields_are_allowed(self, published):
        for name, schema in published.items():
            assert "additionalProperties" not in schema, name

    def test_the_document_is_asyncapi_3_by_the_official_schema(self, published):
        assert list(Draft7Validator(OFFICIAL).iter_errors(published["asyncapi"])) == []

    @pytest.mark.parametrize("path", [("asyncapi",), ("info",), ("operations", "user_service_send", "action")])
    def test_the_official_schema_would_say_what_is_missing(self, published, path):
        document = json.loads(json.dumps(published["asyncapi"]))
        *above, last = path
        place = document
        for name in above:
            place = place[name]
        del place[last]
        assert not Draft7Validator(OFFICIAL).is_valid(document)

    def test_every_reference_in_the_document_leads_somewhere(self, published):
        resolver = Registry().with_resource("", DRAFT7.create_resource(published["asyncapi"])).resolver()
        found = references(published["asyncapi"])
        assert len(found) > 100
        for reference in found:
            resolver.lookup(reference)

    def test_a_message_of_the_document_is_the_envelope_with_the_data_of_its_type(self, published):
        document = published["asyncapi"]
        for kind in contracts.TYPES:
            name = kind.__name__
            inside = {key: value for key, value in published[kind.type].items() if not key.startswith("$")}
            assert document["components"]["schemas"][name] == inside
            assert document["components"]["messages"][name]["name"] == kind.type


def references(node):
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [found for each in node.values() for found in references(each)]


class TestWhoTellsWhat:
    def test_every_type_is_told_by_one_service_and_heard_by_another(self):
        of = {service: contracts.described(service) for service in SERVICES}
        types = {kind.type for kind in contracts.TYPES}
        told = Counter(name for service in SERVICES for name in of[service]["tells"])
        assert told == Counter(types)
        for service in SERVICES:
            assert not set(of[service]["tells"]) & set(of[service]["hears"])
        assert {name for service in SERVICES for name in of[service]["hears"]} == types

    def test_the_document_says_so(self, published):
        for service in SERVICES:
            of = contracts.described(service)
            for operation, types in (("send", of["tells"]), ("receive", of["hears"])):
                messages = published["asyncapi"]["operations"][f"{service}_{operation}"]["messages"]
                assert [name_of(message, published) for message in messages] == types


def name_of(reference, published):
    name = reference["$ref"].rpartition("/")[2]
    return published["asyncapi"]["components"]["messages"][name]["name"]


class TestTheCheck:
    def test_what_is_published_is_what_the_code_says(self, folder, capfd):
        assert contracts.main(["--check"], folder.path) == 0
        assert capfd.readouterr().err == ""

    def test_making_them_again_changes_no_byte(self, folder):
        before = {path: path.read_bytes() for path in folder.path.iterdir()}
        for path in before:
            if path.stem in ("asyncapi", "task.created"):
                path.unlink()
        assert contracts.main([], folder.path) == 0
        assert {path: path.read_bytes() for path in folder.path.iterdir()} == before

    def test_a_compatible_change_has_to_be_published(self, folder, capfd):
        path = folder("task.created", lambda schema: schema.update(description="An older sentence."))
        assert contracts.main(["--check"], folder.path) == 1
        assert "(task.created): run `make contracts`" in capfd.readouterr().err
        assert contracts.main([], folder.path) == 0
        assert path.read_bytes() == (contracts.FOLDER / path.name).read_bytes()

    def test_a_new_type_has_to_be_published(self, folder, capfd):
        (folder.path / "task.created.json").unlink()
        assert contracts.main(["--check"], folder.path) == 1
        assert "(task.created): run `make contracts`" in capfd.readouterr().err

    @pytest.mark.parametrize("arguments", [["--check"], []], ids=["lint", "contracts"])
    def test_a_change_that_breaks_somebody_is_refused_and_not_written(self, folder, capfd, arguments):
        """What is published has a field that the code has no more."""
        path = folder("task.created", lambda schema: schema["properties"].update(colour={"type": "string"}))
        before = path.read_bytes()
        assert contracts.main(arguments, folder.path) == 1
        said = capfd.readouterr().err
        assert "task.created: colour is gone" in said
        assert "tell task.created.v2 beside it" in said
        assert path.read_bytes() == before

    @pytest.mark.parametrize("arguments", [["--check"], []], ids=["lint", "contracts"])
    def test_a_type_that_is_gone_is_refused_until_its_file_goes_too(self, folder, capfd, arguments):
        gone = folder.path / "task.painted.json"
        gone.write_bytes((folder.path / "task.created.json").read_bytes())
        assert contracts.main(arguments, folder.path) == 1
        said = capfd.readouterr().err
        assert "task.painted is no event any more" in said
        assert "delete docs/contracts/task.painted.json" in said
        gone.unlink()
        assert contracts.main(arguments, folder.path) == 0

    def test_another_envelope_is_refused(self, folder, capfd):
        folder("envelope", lambda schema: schema["required"].remove("subject"))
        assert contracts.main([], folder.path) == 1
        assert "envelope: subject must be there now" in capfd.readouterr().err
