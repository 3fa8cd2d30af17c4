"""A refusal names fields and says what must hold, and what a sender named is shown with care."""

import json

from pipeline.serve.refusal import FIELDS_SHOWN, RefusalError, refusal_of_fields, shown_field


def test_a_refusal_is_answered_as_what_is_wrong_and_where():
    assert json.loads(RefusalError(422, "no", fields=["a"]).body) == {"error": "no", "fields": ["a"]}


def test_many_faults_are_counted_and_the_first_are_named():
    found = refusal_of_fields([(f"f{place}", "must be so") for place in range(FIELDS_SHOWN + 3)])
    assert (found.status, len(found.fields)) == (422, FIELDS_SHOWN)
    assert found.problem.startswith("f0: must be so; f1: must be so")
    assert found.problem.endswith("and 3 more")


def test_a_name_that_is_a_card_number_or_without_end_is_not_shown_as_it_is():
    assert shown_field("4111111111111111") == "…"
    assert len(shown_field("x" * 10_000)) < 80
    assert shown_field("amount") == "amount"
