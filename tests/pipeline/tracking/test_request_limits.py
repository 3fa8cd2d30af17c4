"""Limits of requests hold for everybody inside, and leave no trace."""

import itertools
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.sections import TrackingConfig
from pipeline.tracking.mlflow_store import bounded_requests

ORDERS = [
    order
    for order in itertools.permutations(["a in", "a out", "b in", "b out"])
    if order.index("a in") < order.index("a out") and order.index("b in") < order.index("b out")
]


def request_limits():
    names = ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_LOGGING_LEVEL")
    return [os.environ.get(name) for name in names], logging.getLogger("mlflow").level


@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_limits_hold_while_any_thread_is_inside_and_leave_the_environment_as_it_was(order, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    before, inside = request_limits(), set()
    users = {name: bounded_requests(TrackingConfig(timeout=3)) for name in "ab"}
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for name, step in (each.split() for each in order):
            call = users[name].__enter__ if step == "in" else lambda user=users[name]: user.__exit__(None, None, None)
            {"a": one, "b": other}[name].submit(call).result()
            inside ^= {name}
            assert request_limits() == ((["3", "0", "ERROR"], logging.ERROR) if inside else before)


def test_the_shortest_timeout_of_those_inside_holds():
    with bounded_requests(TrackingConfig(timeout=4)):
        with bounded_requests(TrackingConfig(timeout=2)), bounded_requests(TrackingConfig(timeout=9)):
            assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "2"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "4"
