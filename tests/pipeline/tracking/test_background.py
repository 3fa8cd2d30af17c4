"""The journal on its way to MLflow holds no stage up."""

import socket
import threading
import time

import pytest

from pipeline.sections import TrackingConfig
from pipeline.tracking.acknowledged import waiting_records
from pipeline.tracking.background import Delivery

pytestmark = pytest.mark.filterwarnings("ignore")


class Listening:
    """A reporter that remembers warnings."""

    def __init__(self):
        self.warned = []

    def warn(self, text):
        self.warned.append(text)


@pytest.fixture
def silent_server():
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: held.append(server.accept()), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_store_that_never_answers_holds_a_stage_up_for_its_patience_at_most(written, silent_server):
    reporter = Listening()
    config = TrackingConfig(uri=silent_server, timeout=30, patience=1.0)
    delivery = Delivery(written, config, reporter=reporter)
    waits = []
    for step in (delivery.before_stage, delivery.after_stage, delivery.before_stage, delivery.after_stage):
        began = time.monotonic()
        step()
        waits.append(time.monotonic() - began)
    delivery.at_end()
    assert sum(waits[:2]) < 2.5
    assert waits[2] < 0.1
    assert waiting_records(written, config) == 9
    assert ["none is lost" in text for text in reporter.warned] == [True, False]
    assert "9 records wait in the journal; `harbor sync --run" in reporter.warned[1]
