"""What a query may ask for."""

import pytest

from pipeline.serve.choices import Choices, chosen
from pipeline.serve.refusal import RefusalError

KNOWN = ("alert_budget", "cost_optimal")


def of(query):
    return chosen(query, threshold="cost_optimal", known=KNOWN)


def test_what_a_query_does_not_say_is_the_service_s():
    assert of(b"explain=features") == Choices("cost_optimal", features=True)
    assert of(b"threshold=alert_budget&explain=reasons,features") == Choices("alert_budget", True, True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"threshold=x", "threshold"),
        (b"explain=all", "explain"),
        (b"colour=1", "colour"),
        (b"explain=features&x=1", "x"),
    ],
)
def test_what_there_is_not_is_refused_by_name(query, field):
    with pytest.raises(RefusalError) as found:
        of(query)
    assert (found.value.status, found.value.fields) == (422, (field,))


@pytest.mark.parametrize("query", [b"explain", b"a=1&b=2&c=3&d=4&e=5", b"\xff=1"])
def test_what_is_no_query_is_refused(query):
    with pytest.raises(RefusalError, match="at most four pairs"):
        of(query)
