"""The sweep as tracking shows it: one nested run a setting, so that the UI plots ECE, AUC and AP over ε × weight.

Settings hang on the run itself, not on its train stage: a filter on them hides every run between, and the UI then shows
them under the name of their parent. Few keys, all measured on valid and named so: the run's own are measured on test.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit

from evaluation.selection import Setting, SettingOutcome, SweepRanking, SweepRow, sweep_statistics
from pipeline.tracking.stage_log import StageLog

SAME_EITHER_WAY = ("roc_auc", "average_precision")
RAW_AND_INVERSE = ("ece", "brier", "log_loss", "precision_at_half", "share_negatives_above_095")


def log_sweep(
    log: StageLog, ranking: SweepRanking, outcomes: Sequence[SettingOutcome], *, labels: np.ndarray, bins: int
) -> None:
    """Log every setting of the sweep, the selected one last, where a list sorted by time shows it first.

    Several repeats of a setting make a run of means, with the spread, and one run each: MLflow averages nothing.

    Args:
        log: the log of the stage.
        ranking: the settings, best first.
        outcomes: one a setting and repeat, with margins on the same rows as `labels`.
        labels: 0 or 1 [N].
        bins: of the calibration error.
    """
    places = enumerate(ranking.rows, start=1)
    for rank, row in sorted(places, key=lambda each: (each[1].setting == ranking.selected, -each[0])):
        if row.repeats > 1:
            for each in outcomes:
                if each.setting == row.setting:
                    _log_repeat(log, each, labels, bins)
        _log_setting(log, rank, row, selected=row.setting == ranking.selected)
    log.run.params({**_grid(ranking.selected), "smallest_mean": ranking.smallest_mean.text})


def _log_setting(log: StageLog, rank: int, row: SweepRow, *, selected: bool) -> None:
    child = _nested(log, _key(row.setting), _name(row.setting))
    child.tags({"harbor.level": "setting", "harbor.selected": selected, "harbor.selectable": row.selectable})
    child.params({**_grid(row.setting), "repeat": "0" if row.repeats == 1 else f"mean of {row.repeats}"})
    spread = row.log_loss_affine_spread
    child.metrics(
        {
            "rank": rank,
            "train_accuracy": row.train_accuracy,
            "valid_log_loss_affine": row.log_loss_affine,
            **({"valid_log_loss_affine_std": spread} if math.isfinite(spread) else {}),
            **_behind(row),
            **_statistics(row.raw, row.inverted),
        }
    )
    child.close("FINISHED")


def _behind(row: SweepRow) -> dict[str, float]:
    """How far a setting that may win lies behind the smallest mean, and how far noise would put it."""
    if row.behind is None:
        return {}
    found = {"valid_behind": row.behind.value, "valid_behind_std": row.behind.error}
    return found | ({"valid_behind_limit": row.behind.limit} if math.isfinite(row.behind.limit) else {})


def _log_repeat(log: StageLog, outcome: SettingOutcome, labels: np.ndarray, bins: int) -> None:
    name = f"{_name(outcome.setting)} · repeat {outcome.repeat}"
    child = _nested(log, f"{_key(outcome.setting)}-{outcome.repeat}", name)
    child.tags({"harbor.level": "repeat"})
    child.params({**_grid(outcome.setting), "repeat": outcome.repeat})
    raw = sweep_statistics(labels, expit(outcome.margins), bins=bins)
    statistics = _statistics(raw, sweep_statistics(labels, outcome.posterior, bins=bins))
    child.metrics({"train_accuracy": outcome.train_accuracy, **statistics})
    child.close("FINISHED")


def _nested(log: StageLog, key: str, name: str) -> StageLog:
    return log.run.child(f"{log.key.rpartition('/')[2]}/{key}", name=name)


def _grid(setting: Setting) -> dict[str, object]:
    return {
        "smoothing": f"{setting.smoothing:g}",
        "class_weight": setting.class_weight,
        "weighting": setting.weighting,
    }


def _statistics(raw: Mapping[str, float], inverted: Mapping[str, float]) -> dict[str, float]:
    return {
        **{f"valid_{name}": raw[name] for name in SAME_EITHER_WAY},
        **{f"valid_{name}_raw": raw[name] for name in RAW_AND_INVERSE},
        **{f"valid_{name}_inverse": inverted[name] for name in RAW_AND_INVERSE},
    }


def _name(setting: Setting) -> str:
    weights = "unweighted" if setting.class_weight == "none" else f"{setting.class_weight} · {setting.weighting}"
    return f"ε {setting.smoothing:g} · {weights}"


def _key(setting: Setting) -> str:
    return f"{setting.class_weight}-{setting.weighting}-{setting.smoothing:g}"
