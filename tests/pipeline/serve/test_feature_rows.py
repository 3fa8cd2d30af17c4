"""Feature rows are answered as `harbor score` answers them, by both protocols, and touch no state."""

import json

import pytest

from pipeline.serve.feature_rows import inferred, invoked, model_metadata
from pipeline.serve.refusal import RefusalError
from tests.fixtures.live_service import asked


@pytest.fixture(scope="module")
def golden(small_run):
    lines = (small_run / "export" / "bundle" / "golden.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[:7]]


@pytest.fixture(scope="module")
def deployment(small_run):
    from pipeline.serve.deployment import deployed
    from pipeline.state.state_files import checked_state

    state = checked_state(small_run / "export" / "state")
    sha256 = state.manifest["features_sha256"]
    return deployed(small_run / "export" / "bundle", spec=state.spec, features_sha256=sha256, key=None)


def tensors(golden, deployment):
    told = json.loads(model_metadata(deployment))["inputs"]
    rows = [each["inputs"] for each in golden]
    return [
        {
            "name": each["name"],
            "datatype": each["datatype"],
            "shape": [len(rows), 1],
            "data": [r[each["name"]] for r in rows],
        }
        for each in told
    ]


def close(found, golden):
    return found == pytest.approx([each["probability"] for each in golden], abs=1e-6)


def test_the_open_inference_protocol_gives_the_golden_probabilities(golden, deployment):
    asking = {"id": "a", "inputs": tensors(golden, deployment), "outputs": [{"name": "probability"}]}
    told = json.loads(inferred(json.dumps(asking).encode(), deployment))
    (output,) = told["outputs"]
    assert (told["model_name"], told["id"], output["shape"], output["datatype"]) == ("harbor", "a", [7, 1], "FP64")
    assert close(output["data"], golden)


def test_tensors_may_be_columns_of_one_value_each(golden, deployment):
    inputs = [{**each, "data": [[value] for value in each["data"]]} for each in tensors(golden, deployment)]
    told = json.loads(inferred(json.dumps({"inputs": inputs}).encode(), deployment))
    assert [each["name"] for each in told["outputs"]] == list(deployment.scorer.signature.outputs)
    assert close(told["outputs"][0]["data"], golden)


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_the_forms_of_mlflow_give_the_golden_probabilities(golden, deployment, form):
    rows = [each["inputs"] for each in golden]
    names = list(reversed(rows[0]))
    made = {
        "dataframe_split": {"columns": names, "data": [[row[name] for name in names] for row in rows]},
        "dataframe_records": rows,
        "instances": rows,
        "inputs": {name: [row[name] for row in rows] for name in names},
    }[form]
    told = json.loads(invoked(json.dumps({form: made}).encode(), deployment))["predictions"]
    assert close([each["probability"] for each in told], golden)


def test_optional_columns_may_be_left_out_and_others_not(golden, deployment):
    row = dict(golden[0]["inputs"])
    optional = sorted(deployment.scorer.signature.optional)
    missing = {name: None if name in deployment.scorer.signature.numeric else "" for name in optional}
    left = {name: value for name, value in row.items() if name not in optional}
    one, other = ({"dataframe_records": [each]} for each in (left, {**row, **missing}))
    assert invoked(json.dumps(one).encode(), deployment) == invoked(json.dumps(other).encode(), deployment)
    del left["amount"]
    with pytest.raises(RefusalError, match="amount: must be given"):
        invoked(json.dumps({"dataframe_records": [left]}).encode(), deployment)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"amount": "much"}, "amount: must be finite numbers"),
        ({"amount": 1e300}, "amount: must be finite numbers"),
        ({"channel": 1.5}, "channel: must be strings"),
        ({"colour": 1}, "colour: is a column that the model does not take"),
        ({"amount": [1]}, "amount: must be finite numbers"),
    ],
)
def test_what_is_wrong_is_named(golden, deployment, changed, what):
    rows = [{**golden[0]["inputs"], **changed}]
    with pytest.raises(RefusalError, match=what):
        invoked(json.dumps({"dataframe_records": rows}).encode(), deployment)


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"inputs": 5}, {"inputs": []}, {"inputs": [{"name": 1}]}, {"inputs": [{"name": "amount"}]},
        {"inputs": [{"name": "amount", "datatype": "FP32", "shape": [2, 1], "data": [1]}]},
        {"inputs": [{"name": "amount", "datatype": "TEXT", "shape": [1], "data": [1]}]},
    ],
)  # fmt: skip
def test_what_is_not_of_the_protocol_is_refused(deployment, body):
    with pytest.raises(RefusalError):
        inferred(json.dumps(body).encode(), deployment)


@pytest.mark.parametrize(
    "given", [5, {"columns": ["a", "a"], "data": [[1, 2]]}, {"columns": ["a"], "data": [[1, 2]]}, {}]
)
def test_frames_that_are_none_are_refused(deployment, given):
    with pytest.raises(RefusalError, match="dataframe_split must be rows"):
        invoked(json.dumps({"dataframe_split": given}).encode(), deployment)


def test_the_paths_lead_there_and_the_state_stays(app, golden):
    digest = app.service.engine.digest()
    body = {"dataframe_records": [golden[0]["inputs"]]}
    assert asked(app, "/invocations", body).json["predictions"][0]["probability"] == pytest.approx(
        golden[0]["probability"], abs=1e-6
    )
    assert asked(app, "/v2/models/harbor").json["platform"] == "onnxruntime_onnx"
    assert asked(app, "/v2/models/harbor/infer", {"inputs": []}).status == 422
    assert app.service.engine.digest() == digest
