import json

import numpy as np
import pyarrow as pa

from features.windows.kernels import NO_EVENT
from pipeline.serve.row_features import RowFeatures
from pipeline.state.event_log import LABEL, ROW, LoggedEvent
from pipeline.state.record_blocks import EventBatch, record_block, told_of
from tests.fixtures.serving import SPEC, some_rows, table_of_values


def batch_of(rng, count):
    are_changes = rng.random(count) < 0.3
    old, moments = rng.integers(0, 2**60, (2, count))
    told = [json.dumps({"transaction_id": "t" * int(rng.integers(30))}).encode() for _ in range(count)]
    return EventBatch(rng.integers(-(2**62), 2**62, (count, 9)), are_changes, old, moments, told)


def test_records_made_at_once_are_those_made_one_by_one():
    rng = np.random.default_rng(1)
    batch, outcomes = batch_of(rng, 50), rng.integers(0, 5, 50)
    answers = rng.normal(size=(50, 7)).astype(np.float32)
    block = record_block(batch, outcomes, answers)
    expected = []
    for place, is_change in enumerate(batch.are_changes.tolist()):
        kind, old = (LABEL, int(batch.old[place])) if is_change else (ROW, int(NO_EVENT))
        own = answers[place][: 0 if is_change else 7]
        ends = int(batch.moments[place]), int(outcomes[place]), old
        event = LoggedEvent(kind, batch.words[place], *ends, own, json.loads(batch.told[place]))
        expected.append(event.record().replace(b'{"transaction_id":"', b'{"transaction_id": "'))
    pieces = np.split(np.frombuffer(block.content, np.uint8), block.starts[1:])
    assert [piece.tobytes()[8:] for piece in pieces] == [each[8:] for each in _framed(expected)]


def _framed(records):
    """Whatever the spelling of the JSON, the length and the checksum are those of the content."""
    import struct
    import zlib

    return [struct.pack("<II", len(each) - 8, zlib.crc32(each[8:])) + each[8:] for each in records]


def test_what_is_told_of_many_rows_is_what_is_told_of_each():
    rows = [
        row | {"channel": 'a "quoted" \u00fc'} if number % 7 == 0 else row for number, row in enumerate(some_rows(40))
    ]
    features = RowFeatures(SPEC, ("card_id", "merchant_id"))
    told = told_of(table_of_values(rows), features.own_columns)
    assert [json.loads(each) for each in told] == [features.kept(row) for row in rows]
    whole = LoggedEvent(ROW, np.zeros(9, np.int64), 0, row=features.kept(rows[0])).record()
    assert whole.endswith(told[0])
    assert told_of(pa.table({"other": [1]}), [("a", True)]) == [b'{"transaction_id":null,"a":null}']


def test_a_part_and_a_choice_keep_what_belongs_together():
    batch = batch_of(np.random.default_rng(2), 9)
    chosen = batch.where(np.arange(9) % 2 == 1).part(1, 3)
    assert (len(chosen), chosen.told) == (2, [batch.told[3], batch.told[5]])
    assert (chosen.words == batch.words[[3, 5]]).all()
