"""What a fixed model is worth: its statistics on the test folds of many other worlds at the same calendar positions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import brier_skill, calibration_line, log_loss, observed_expected
from tests.benches.worlds.setting import BASELINE, MODELS, Judged, as_of, configuration
from tests.benches.worlds.world import CANDIDATE, CHAMPION, World


@dataclass(frozen=True)
class Reference:
    """Test rows of all reference worlds in one: labels [N], margins by model [N], and statistics no map moves."""

    labels: Floats
    margins: Mapping[str, Floats]
    ranked: Mapping[str, Mapping[str, float]]
    worlds: int


def reference(worlds: Iterable[World], name: str) -> Reference:
    """The reference under the configuration of this name, every label known."""
    config, labels, count = configuration(name), [], 0
    margins: dict[str, list[Floats]] = {each: [] for each in MODELS}
    for world in worlds:
        test = world.folds(config.split, delay=config.labels.delay, as_of=as_of(name)).rows("test")
        labels.append(world.label[test].astype(np.float64))
        for each, kept in margins.items():
            kept.append(world.margins(each)[test])
        count += 1
    y, pooled = np.concatenate(labels), {each: np.concatenate(kept) for each, kept in margins.items()}
    ranked = {
        each: {"average_precision": average_precision(y, _p(z)), "roc_auc": roc_auc(y, _p(z))}
        for each, z in pooled.items()
    }
    return Reference(y, pooled, ranked, count)


def truths(judged: Judged, found: Reference, *, bins: int) -> dict[str, float]:
    """The statistics of this world's candidate, map included, where there is no luck of its own test fold.

    Keys are statistics, and "log_loss − baseline" and "log_loss − champion" for the paired differences.
    """
    y, p = found.labels, _mapped(judged, found, CANDIDATE)
    ranked = found.ranked[CANDIDATE]
    own = log_loss(y, p)
    return {
        "observed_expected": observed_expected(y, p),
        "log_loss": own,
        "brier_skill": brier_skill(y, p),
        "calibration_slope": calibration_line(y, p).slope,
        "ece_debiased": expected_calibration_error(y, p, bins=bins),
        **ranked,
        f"log_loss − {BASELINE}": own - log_loss(y, _mapped(judged, found, "plain")),
        "log_loss − champion": own - log_loss(y, _mapped(judged, found, CHAMPION)),
        f"average_precision − {BASELINE}": ranked["average_precision"] - found.ranked["plain"]["average_precision"],
    }


def _mapped(judged: Judged, found: Reference, name: str) -> Floats:
    return judged.models[name].map.apply(found.margins[name])


def _p(z: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-z))
    return result
