"""The page of the interface says what the code does: the same paths, the same scopes, the same fields."""

import json
import re
from importlib import resources

import pytest

from tests.fixtures.live_service import asked

PAGE = json.loads(resources.files("pipeline.serve").joinpath("openapi.json").read_text(encoding="utf-8"))
SCHEMAS = PAGE["components"]["schemas"]


def operations():
    return {
        (path.replace("{id}", ""), method.upper()): operation
        for path, operations in PAGE["paths"].items()
        for method, operation in operations.items()
    }


def faults(value, schema, place=""):
    """Fields that an answer has and the page does not, or the other way round; references are followed."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        return min((faults(value, each, place) for each in schema["oneOf"]), key=len)
    if isinstance(value, list):
        return [fault for each in value for fault in faults(each, schema.get("items", {}), place)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known, needed = schema["properties"], set(schema.get("required", ()))
    found = [f"{place}/{name}" for name in (value.keys() - known.keys()) | (needed - value.keys())]
    return found + [
        fault for name, each in value.items() for fault in faults(each, known.get(name, {}), f"{place}/{name}")
    ]


def schema_of(path, status, method="post"):
    (content,) = PAGE["paths"][path][method]["responses"][str(status)]["content"].values()
    return content["schema"]


def test_paths_methods_and_scopes_are_those_of_the_application(app):
    found = {
        place: operation.get("security", [{}])[0].get("token", [""])[0] for place, operation in operations().items()
    }
    assert found == {(path, route.method): route.scope for path, route in app.routes.items()}


def test_every_reference_leads_somewhere():
    for place in re.findall(r'"#/([^"]+)"', json.dumps(PAGE)):
        found = PAGE
        for part in place.split("/"):
            found = found[part]
        assert found


@pytest.mark.parametrize("path", ["/v1/score", "/v1/events", "/v1/features", "/v1/labels"])
def test_answers_and_refusals_have_the_fields_of_the_page(app, rows, path):
    if path == "/v1/labels":
        asked(app, "/v1/events", rows[0])
    body = {"transaction_id": "next-0", "label": 1} if path == "/v1/labels" else rows[0]
    query = "?explain=reasons&threshold=expected_loss" if path in ("/v1/score", "/v1/features") else ""
    found = asked(app, path + query, body)
    assert (found.status, faults(found.json, schema_of(path, 200))) == (200, [])
    refused = asked(app, path, {**body, "transaction_id": 1.5})
    assert (refused.status, faults(refused.json, schema_of(path, 422))) == (422, [])


def test_records_and_shed_rows_have_the_fields_of_the_page(app, rows):
    service = app.service
    shed = json.loads(service.score(json.dumps(rows[0]).encode(), service.choices(b""), scored=False).body)
    assert faults(shed, schema_of("/v1/score", 503)) == []
    assert set(shed) == set(SCHEMAS["Shed"]["properties"])
    for row in rows[:2]:
        asked(app, "/v1/score", row)
        record = asked(app, f"/v1/transactions/{row['transaction_id']}").json
        assert faults(record, schema_of("/v1/transactions/{id}", 200, "get")) == []


def test_the_page_is_served(app):
    assert asked(app, "/openapi.json").json == PAGE


def test_what_a_page_lacks_is_found():
    assert faults({"name": "x", "colour": 1}, SCHEMAS["Threshold"]) == ["/colour"]
    assert faults({}, SCHEMAS["Threshold"]) == ["/name"]
