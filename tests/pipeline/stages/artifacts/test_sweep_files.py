"""What evaluation reads back of the sweep."""

import numpy as np
import pyarrow as pa
import pytest

from models.losses import LossSettings, posterior
from models.network import Architecture
from models.sweep import Sweep
from models.sweep_settings import Setting
from models.training.loop import Fit
from pipeline.stages.artifacts.sweep_files import read_outcomes, write_outcomes
from pipeline.storage.content import write_json, write_table


def test_margins_beyond_what_an_exponential_holds_are_probabilities_all_the_same(tmp_path):
    margins = np.array([-2000.0, 0.0, 2000.0])
    columns = {"event_time": np.arange(3), "label": np.array([0, 0, 1]), "s000": margins}
    write_table(tmp_path / "valid.parquet", pa.table(columns))
    setting = {"column": "s000", "class_weight": "none", "loss": LossSettings().to_dict(), "repeat": 0, "guide": False}
    write_json(tmp_path / "sweep.json", {"prevalence": 0.1, "settings": [setting | {"train_accuracy": 1.0}]})
    found = read_outcomes(tmp_path / "valid.parquet", tmp_path / "sweep.json", floor=1e-3)
    np.testing.assert_array_equal(found.unsmoothed, [0.0, 0.5, 1.0])


def written(folder, losses, *, merchant=None, prevalence=0.1):
    """The outcomes of settings whose margins are 0, 1, 2, ... on two rows."""
    architecture = Architecture(knots=((),), center=(0.0,), scale=(1.0,))
    settings = tuple(Setting("sqrt" if loss.ratio > 1 else "none", loss) for loss in losses)
    fits = tuple(Fit({}, np.array([-9.0, float(place)]), 0.9, 1, (), ()) for place in range(len(losses)))
    sweep = Sweep(architecture, prevalence, settings, fits, ())
    write_outcomes(folder, sweep, labels=np.array([0, 1]), event_time=np.arange(2), merchant=merchant)
    return read_outcomes(folder / "valid.parquet", folder / "sweep.json", floor=1e-3)


def test_without_smoothing_means_without_weights_too(tmp_path):
    found = written(tmp_path, [LossSettings(0.0, 7.4), LossSettings(0.1), LossSettings()])
    assert found.unsmoothed[1] == pytest.approx(1 / (1 + np.exp(-2)))
    assert written(tmp_path, [LossSettings(0.0, 7.4)]).unsmoothed is None


def test_merchants_and_the_prior_come_back(tmp_path):
    loss = LossSettings(0.1, convention="prior", prior=0.1)
    found = written(tmp_path, [loss], merchant=np.array([3, -1], np.int32))
    assert found.merchant.tolist() == [3, -1]
    assert written(tmp_path, [loss]).merchant is None
    assert found.outcomes[0].posterior[1] == posterior(np.array([0.0]), loss, floor=1e-3).probability[0]


def test_tails_begin_lower_where_train_has_few_frauds(tmp_path):
    common, rare = (
        written(tmp_path, [LossSettings(0.1)], prevalence=each).outcomes[0].posterior[0] for each in (0.1, 0.002)
    )
    assert rare < 4e-5 < common < 1e-3
