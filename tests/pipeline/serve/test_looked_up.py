"""What was answered can be asked for, with all that it rested on."""

from tests.fixtures.live_service import asked


def test_the_record_of_a_transaction_is_its_answer_its_features_its_model_and_its_label_now(app, rows):
    answer = asked(app, "/v1/score?explain=features", rows[0]).json
    asked(app, "/v1/labels", {"transaction_id": "next-0", "label": 1, "available_at": "2030-01-02T03:04:05.5Z"})
    found = asked(app, "/v1/transactions/next-0").json
    assert found["answer"] == answer
    numbers = {name: value for name, value in answer["features"].items() if value != ""}
    assert {name: found["features"][name] for name in numbers} == numbers
    assert (found["label"], found["label_available_at"]) == (1, "2030-01-02T03:04:05.500000Z")
    assert found["model"]["bundle"] == app.service.deployment.manifest
    assert (found["offset"], found["outcome"]) == (1, "exact")


def test_a_row_that_was_only_counted_has_no_answer(app, rows):
    asked(app, "/v1/events", rows[0])
    found = asked(app, "/v1/transactions/next-0").json
    assert (found["answer"], found["model"], found["label"]) == (None, None, None)


def test_what_the_log_does_not_hold_is_not_found(app):
    found = asked(app, "/v1/transactions/nobody")
    assert (found.status, b"nobody" in found.body.replace(b"nobody knows", b"")) == (404, False)
