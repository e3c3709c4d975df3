"""The OpenAPI document says what the API does."""

import io
import json

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from task_service.tasks.filters import TaskFilter

TASKS, TASK = "/api/v1/tasks/", "/api/v1/tasks/{id}/"


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/schema/tasks/", headers={"accept": "application/vnd.oai.openapi+json"}).json()


def parameters(document, path, method="get"):
    found = document["paths"][path][method].get("parameters", [])
    return {parameter["name"]: parameter["schema"] for parameter in found if parameter["in"] == "query"}


def resolved(document, schema):
    name = schema["$ref"].removeprefix("#/components/schemas/")
    return document["components"]["schemas"][name]


def validator(document, schema):
    return Draft202012Validator(schema | {"components": document["components"]})


def test_it_is_made_without_a_warning():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    assert json.loads(out.getvalue())["openapi"].startswith("3.1")


def test_every_path_and_method_is_there(document):
    methods = {path: sorted(set(operations) - {"parameters"}) for path, operations in document["paths"].items()}
    assert methods == {
        TASKS: ["get", "post"],
        TASK: ["delete", "get", "patch", "put"],
        f"{TASK}complete/": ["post"],
        f"{TASK}reopen/": ["post"],
    }


def test_operations_have_speaking_names(document):
    names = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert names == {
        "tasks_list", "tasks_create", "tasks_retrieve", "tasks_update", "tasks_partial_update", "tasks_destroy",
        "tasks_complete_create", "tasks_reopen_create",
    }  # fmt: skip


def test_every_filter_and_page_parameter_is_documented_and_no_other(document):
    pages = {"cursor", "page_size", "with_count", "ordering"}
    assert set(parameters(document, TASKS)) == set(TaskFilter.base_filters) | pages
    assert parameters(document, TASK) == parameters(document, f"{TASK}complete/", "post") == {}


def test_a_list_answers_to_every_documented_parameter(alice, document):
    samples = {"string": "x", "integer": "1", "boolean": "true", "array": "x"}
    formats = {"uuid": "01900000-0000-7000-8000-000000000000", "date-time": "2030-05-01T12:00:00Z"}
    special = {"assignee": "me", "created_by": "me", "cursor": alice.make() and ""}
    for name, schema in parameters(document, TASKS).items():
        schema = schema.get("items", schema) if schema.get("type") == "array" else schema
        enum = (resolved(document, schema) if "$ref" in schema else schema).get("enum")
        sample = (
            special.get(name) or (enum or [None])[0] or formats.get(schema.get("format")) or samples[schema["type"]]
        )
        if name != "cursor":
            assert alice.list(**{name: sample}).status_code == 200, (name, sample)


def test_flags_and_dates_have_their_types(document):
    found = parameters(document, TASKS)
    assert [found[name]["type"] for name in ("overdue", "trashed", "with_count")] == ["boolean"] * 3
    for name in ("due_before", "due_after", "updated_after"):
        assert (found[name]["type"], found[name]["format"]) == ("string", "date-time")
    assert found["parent"]["format"] == "uuid"
    assert (found["page_size"]["minimum"], found["page_size"]["maximum"], found["page_size"]["default"]) == (1, 200, 50)


def test_a_task_on_the_wire_is_what_the_document_says(alice, bob, document):
    parent = alice.make()
    task = alice.make(
        status="done",
        start_at="2030-05-01T12:00:00Z",
        parent=parent["id"],
        assignees=[str(bob.id)],
        description="x",
    )
    schema = document["components"]["schemas"]["Task"]
    assert set(schema["properties"]) == set(task) == set(schema["required"])
    for found in (task, parent):
        validator(document, schema).validate(found)
    page = document["paths"][TASKS]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator(document, page).validate(alice.list().json())
    assignees = schema["properties"]["assignees"]
    assert (assignees["type"], assignees["items"]) == (
        "array",
        assignees["items"] | {"type": "string", "format": "uuid"},
    )


def test_what_is_sent_leaves_out_what_can_not_be_written(document):
    body = document["paths"][TASKS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = resolved(document, body)
    assert list(schema["properties"]) == [
        "title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees",
    ]  # fmt: skip
    assert schema["required"] == ["title"]
    assert schema["properties"]["assignees"]["maxItems"] == 50


def test_enums_have_the_models_names(document):
    schemas = document["components"]["schemas"]
    assert schemas["StatusEnum"]["enum"] == ["todo", "in_progress", "done", "cancelled"]
    assert schemas["PriorityEnum"]["enum"] == ["none", "low", "medium", "high", "urgent"]


def test_every_operation_may_answer_with_a_problem(alice, document):
    for path in document["paths"].values():
        for operation in path.values():
            content = operation["responses"]["default"]["content"]
            assert list(content) == ["application/problem+json"]
    problem = resolved(document, content["application/problem+json"]["schema"])
    for response in (alice.create(title=""), alice.read({"id": "01900000-0000-7000-8000-000000000000"})):
        validator(document, problem).validate(response.json())


def test_the_bearer_token_is_the_way_in(document):
    schemes = document["components"]["securitySchemes"]
    assert any(scheme["type"] == "http" and scheme["scheme"] == "bearer" for scheme in schemes.values())
    assert document["paths"][TASKS]["get"]["security"]


def test_anybody_may_read_the_document(db):
    for accept in ("application/json", "application/vnd.oai.openapi", "*/*"):
        assert Client().get("/api/schema/tasks/", headers={"accept": accept}).status_code == 200


def test_every_post_and_nothing_else_takes_an_idempotency_key(document):
    for path in document["paths"].values():
        for method, operation in path.items():
            headers = [found for found in operation.get("parameters", []) if found["in"] == "header"]
            assert [found["name"] for found in headers] == (["Idempotency-Key"] if method == "post" else [])
            assert ({"409", "422"} <= operation["responses"].keys()) is (method == "post")
            if method == "post":
                done = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
                assert all("Idempotency-Replayed" in answer["headers"] for answer in done)
                assert done
