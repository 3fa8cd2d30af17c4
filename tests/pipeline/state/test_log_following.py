from dataclasses import replace

import numpy as np
import pytest

from pipeline.online.replayed_log import read_log, replayed
from pipeline.state.event_log import LABEL, ROW
from pipeline.state.log_following import followed
from pipeline.state.log_scan import segments_since
from pipeline.storage.errors import InputError
from tests.fixtures.online_logs import KEYS, random_log
from tests.fixtures.served_logs import served_events, start_of, written
from tests.fixtures.serving import engine_of, served, some_rows, state_of, with_past


def brought(folder, start, **given):
    history, differing = start.loaded(KEYS), 0
    for segment in segments_since(folder, 0, features_sha256=start.manifest["features_sha256"]):
        step = followed(history, segment, **given)
        history, differing = step.history, differing + step.differing
    return history, differing


@pytest.mark.parametrize("seed", range(3))
def test_many_events_at_once_come_to_what_one_by_one_does(tmp_path, seed):
    start = start_of(tmp_path)
    events = served_events(*random_log(np.random.default_rng(seed), rows=60))
    written(tmp_path, events[:50])
    written(tmp_path, events[50:], offset=50)
    history, differing = brought(tmp_path, start, answers=True)
    assert history.state.digest() == replayed(read_log(tmp_path)).after.state.digest()
    assert differing == 0
    assert {event.kind for event in events} == {ROW, LABEL}


def test_labels_that_waited_come_between_the_events_as_they_do_one_by_one(tmp_path):
    start = state_of(tmp_path / "start", with_past(some_rows(60)))
    engine = engine_of(tmp_path / "serve", start)
    for number, row in enumerate(some_rows(60, seed=2, first=60, disorder=3.0)):
        served(engine, row)
        if number % 3 == 0:
            engine.label(f"t{number}", number % 2, engine.newest)
    digest, waiting = engine.digest(), len(engine.history.to_come)
    engine.close()
    assert start.manifest["labels_to_come"] > waiting
    history, differing = brought(engine.folder, start, answers=True)
    again = replayed(read_log(engine.folder)).after
    assert (history.state.digest(), len(history.to_come)) == (digest, waiting)
    assert (again.state.digest(), len(again.to_come), differing) == (digest, waiting, 0)


def test_a_wrong_answer_is_counted_and_a_wrong_end_is_refused(tmp_path):
    start = start_of(tmp_path)
    events = served_events(*random_log(np.random.default_rng(1), rows=20))
    rows = [place for place, event in enumerate(events) if event.kind == ROW]
    events[rows[3]].answers[:2] = 77
    written(tmp_path, events)
    assert brought(tmp_path, start, answers=True)[1] == 2
    events[rows[4]] = replace(events[rows[4]], outcome=1 - events[rows[4]].outcome)
    (tmp_path / f"{0:020d}.seg").unlink()
    written(tmp_path, events)
    with pytest.raises(InputError, match=f"but 1 do not, first event {rows[4]}: it is not the log of this state"):
        brought(tmp_path, start)
