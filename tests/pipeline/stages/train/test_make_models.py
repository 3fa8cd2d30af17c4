"""What the train stage leaves in a run folder, and which networks go on."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from evaluation.selection import rank_sweep
from models.losses import LossSettings
from models.network import Architecture
from models.sweep import Sweep
from models.sweep_settings import Setting
from models.training.loop import Fit
from pipeline.stages.artifacts.model_files import load_heads
from pipeline.stages.artifacts.sweep_files import sweep_outcomes
from pipeline.stages.train.make_models import heads_of
from pipeline.storage.content import read_json

RNG = np.random.default_rng(0)
MARGINS = RNG.normal(-2, 2, 600)
LABELS = (RNG.random(600) < expit(MARGINS)).astype(np.float64)


def swept(*noises):
    """A sweep of ε = 0, 0.1, ... whose margins are that noisy, and its ranking."""
    architecture = Architecture(knots=((),), center=(0.0,), scale=(1.0,))
    settings = tuple(Setting("none", LossSettings(0.1 * place)) for place in range(len(noises)))
    fits = tuple(
        Fit({"place": np.array([place])}, MARGINS + noise * RNG.normal(size=600), 0.9, 1, (0.5,), (0.5,))
        for place, noise in enumerate(noises)
    )
    sweep = Sweep(architecture, 0.1, settings, fits, ())
    outcomes = sweep_outcomes(sweep, floor=1e-3)
    return sweep, rank_sweep(LABELS, outcomes, event_time=np.arange(600), folds=3, auc_tolerance=0.5)


@pytest.mark.parametrize(
    ("noises", "expected"),
    [
        ((2.0, 0.0, 3.0), {"mlp": ("mlp", 1), "mlp_unsmoothed": ("mlp_unsmoothed", 0), "mlp_smoothed": ("mlp", 1)}),
        ((0.0, 2.0, 4.0), {"mlp": ("mlp", 0), "mlp_unsmoothed": ("mlp", 0), "mlp_smoothed": ("mlp_smoothed", 1)}),
        ((0.0,), {"mlp": ("mlp", 0), "mlp_unsmoothed": ("mlp", 0)}),
    ],
)
def test_heads_are_the_winner_its_twin_and_the_best_smoothed_and_one_network_has_one_owner(noises, expected):
    heads = heads_of(*swept(*noises))
    assert {name: (head.owner, int(head.state["place"][0])) for name, head in heads.items()} == expected


def test_a_ranking_of_settings_that_the_sweep_lacks_is_refused():
    sweep, ranking = swept(0.0, 1.0)
    with pytest.raises(ValueError, match="the sweep holds no repeat 0 of ε = 0, no class weights"):
        heads_of(replace(sweep, settings=sweep.settings[1:], fits=sweep.fits[1:]), ranking)


def test_the_reports_selection_is_the_first_selectable_row_of_the_sweep(small_run):
    report = read_json(small_run / "train" / "report.json")
    rows = [row for row in pq.read_table(small_run / "train" / "sweep.parquet").to_pylist() if row["selected"]]
    assert [{key: row[key] for key in ("smoothing", "class_weight")} for row in rows] == [report["selected"]]
    assert load_heads(small_run / "train")["mlp"].loss.epsilon == rows[0]["smoothing"]


def test_the_evidence_before_the_sweep_is_that_of_plain_cross_entropy(small_run):
    section = read_json(small_run / "train" / "unsmoothed" / "valid.json")
    valid = pq.read_table(small_run / "train" / "valid.parquet")
    described = read_json(small_run / "train" / "sweep.json")["settings"]
    plain = next(each["column"] for each in described if each["loss"] == LossSettings().to_dict())
    p, label = expit(valid[plain].to_numpy()), valid["label"].to_numpy()
    assert section["brier"] == pytest.approx(np.mean((p - label) ** 2), rel=1e-9)
