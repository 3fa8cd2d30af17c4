"""Planted bad refits: the judged model ships, and the reason is the fault that was planted."""

import numpy as np
import pyarrow as pa
import pytest

from features.times import DAY
from pipeline.stages.artifacts.refit_report import read_refit
from pipeline.stages.refit.gathered_guards import reference_block
from pipeline.stages.refit.make_refit import make_refit
from pipeline.stages.refit.prequential_pass import PrequentialPass, ScoredBlock
from pipeline.storage.content import read_table, write_table
from tests.fixtures.refitted import refit_context

FILES = (("ingest", "transactions.parquet"), ("features", "features.parquet"))


def newest(table, days=14):
    time = table["event_time"].cast("int64").to_numpy()
    return time > time.max() - days * DAY


def replaced(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, table[name].type))


def shuffled_labels(tables):
    transactions = tables["transactions.parquet"]
    rows = np.flatnonzero(newest(transactions))
    label = transactions["label"].to_pylist()
    mixed = np.random.default_rng(1).permutation(rows)
    for place, other in zip(rows, mixed, strict=True):
        label[place] = transactions["label"][int(other)].as_py()
    return tables | {"transactions.parquet": replaced(transactions, "label", label)}


def lost_merchants(tables):
    features = tables["features.parquet"]
    lost = newest(features, days=3)
    for name in (each for each in features.column_names if each.startswith("merchant_")):
        values = [None if gone else each for gone, each in zip(lost, features[name].to_pylist(), strict=True)]
        features = replaced(features, name, values)
    return tables | {"features.parquet": features}


def half_of_the_rows(tables):
    kept = ~newest(tables["features.parquet"]) | (np.arange(tables["features.parquet"].num_rows) % 2 == 0)
    return {name: table.filter(pa.array(kept)) for name, table in tables.items()}


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (shuffled_labels, "the newest labels have nothing to do with what was known before"),
        (lost_merchants, "columns are missing in newest rows that were there before: merchant_"),
        (half_of_the_rows, "the newest block holds"),
    ],
)
def test_a_planted_fault_lets_the_judged_model_ship_with_its_reason(refitted, small_run, plant, reason):
    context = refit_context(small_run, refitted.run.with_name(plant.__name__), own=["ingest", "features"])
    tables = plant({name: read_table(context.run / stage / name) for stage, name in FILES})
    for stage, name in FILES:
        write_table(context.run / stage / name, tables[name])
    make_refit(context)
    found = read_refit(context.out)
    assert not found.refitted
    assert any(reason in each for each in found.reasons), found.reasons
    assert not (context.out / "booster.ubj").exists()


def test_the_refit_is_held_against_a_block_that_began_half_its_length_ago():
    blocks = tuple(ScoredBlock(origin, origin + 7, None, None, {}, False) for origin in (70, 77, 84))
    passed = PrequentialPass(blocks, None)
    assert reference_block(passed, now=85, block=7).origin == 77
    assert reference_block(passed, now=88, block=7).origin == 84
    assert reference_block(PrequentialPass(blocks[2:], None), now=85, block=7).origin == 84
