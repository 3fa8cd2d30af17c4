"""Folds, warm-up and weights together, as the stage makes them from transactions."""

import numpy as np
import pyarrow as pa
import pytest

from features.earlier_labels import EARLIER_LABELS, EarlierLabels
from features.times import DAY
from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.stages import STAGES
from pipeline.stages.features.labelled_folds import labelled_folds
from pipeline.stages.features.make_features import specification
from pipeline.stages.stage import StageContext

START = 19_000 * DAY


class Context(StageContext):
    """A features stage without an ingest before it."""

    ingest_report = type("Ingested", (), {"categorical": (), "numeric": (), "amount_scale": 100})()


def context(tmp_path, *assignments, as_of=None):
    config = load_config("smoke.toml", assignments=assignments, environment={})
    stage = next(each for each in STAGES if each.name == "features")
    return Context(stage, tmp_path, tmp_path, config, as_of, None, SilentReporter())


def feed(*, days, rows=20_000, seed=0, midnight=False):
    """Frauds reported after some nineteen days, honest rows dated a week later as ingest does without a date."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, days * DAY, rows))
    label = (rng.random(rows) < 0.05).astype(np.int8)
    wait = np.where(label == 1, rng.gamma(3.0, 6.5, rows), 7.0)
    if midnight:
        time, wait = time // DAY * DAY, np.ceil(wait)
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "event_time": pa.array(time).cast(moment),
            "amount": pa.array(rng.gamma(2.0, 20.0, rows)),
            "card_id": pa.array([f"c{code}" for code in rng.integers(0, 500, rows)]),
            "merchant_id": pa.array([f"m{code}" for code in rng.integers(0, 50, rows)]),
            "label": pa.array(label),
            "label_available_at": pa.array(time + (wait * DAY).astype(np.int64)).cast(moment),
        }
    )


def made(tmp_path, table, *assignments, as_of=None):
    stage = context(tmp_path, *assignments, as_of=as_of)
    return labelled_folds(stage, table, specification(stage, table))


@pytest.mark.parametrize("midnight", [False, True])
def test_a_chargeback_feed_is_weighed_to_its_true_fraud_rate_in_every_fold(tmp_path, midnight):
    table = feed(days=220, rows=60_000, midnight=midnight)
    label = table["label"].to_numpy()
    found = made(tmp_path, table)
    for fold in found.folds.folds[:3]:
        used = found.folds.usable & found.folds.rows(fold.name)
        truth = label[found.folds.rows(fold.name)].mean()
        assert np.average(label[used], weights=found.weight[used]) == pytest.approx(truth, rel=0.15), fold.name
    calib = found.folds.folds[2]
    assert calib.usable[1] / sum(calib.usable) < 0.85 * label.mean()
    assert found.maturity.complete


def test_folds_that_begin_with_the_file_train_on_rows_of_full_windows_alone(tmp_path):
    table = feed(days=152)
    found = made(tmp_path, table)
    train = found.folds.rows("train") & found.folds.usable
    assert found.warmup == 37 * DAY
    assert table["event_time"].cast(pa.int64()).to_numpy()[train].min() >= found.full_from
    assert sum(found.folds.folds[0].cold) > 0
    assert made(tmp_path, table, "split.warmup='0d'").folds.folds[0].cold == (0, 0)


def test_a_moment_leaves_nothing_to_be_told_from_the_dates(tmp_path):
    table = feed(days=200)
    assert made(tmp_path, table, as_of=START + 190 * DAY).maturity is None
    assert made(tmp_path, table).maturity is not None


def test_each_fold_uses_the_outcome_that_was_known_by_its_own_deadline(tmp_path):
    table = feed(days=220)
    label, available = table["label"].to_numpy().copy(), table["label_available_at"].cast(pa.int64()).to_numpy().copy()
    late = np.flatnonzero(label == 1)[::2]
    earlier = EarlierLabels(late, label[late].copy(), available[late].copy(), available[late] + 200 * DAY)
    label[late], available[late] = 0, earlier.until
    moment = pa.timestamp("us", "UTC")
    overturned = (
        table.set_column(table.column_names.index("label"), "label", pa.array(label))
        .set_column(
            table.column_names.index("label_available_at"), "label_available_at", pa.array(available).cast(moment)
        )
        .append_column(EARLIER_LABELS, earlier.column(table.num_rows))
    )
    before, found = made(tmp_path, table), made(tmp_path, overturned)
    for fold in before.folds.folds[:3]:
        used = before.folds.rows(fold.name) & before.folds.usable
        assert (found.folds.usable & found.folds.rows(fold.name)).tolist() == used.tolist()
        assert found.label[used].tolist() == before.label[used].tolist()
        assert found.label[used][np.isin(np.flatnonzero(used), late)].max() == 1
    test = before.folds.rows("test")
    assert found.label[test].tolist() == label[test].tolist()
