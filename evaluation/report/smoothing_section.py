"""The report's `smoothing`: the setting selected, by which rule, out of which."""

from dataclasses import asdict
from typing import Any

from evaluation.selection import Setting, SweepRanking, SweepRow


def smoothing_section(ranking: SweepRanking) -> dict[str, Any]:
    """What was selected, by which rule, and the whole sweep, best first."""
    return {
        "selected": asdict(ranking.selected),
        "rule": ranking.rule,
        "best_roc_auc": ranking.best_roc_auc,
        "population": {
            "fold": "valid",
            "rows": ranking.rows_judged,
            "frauds": ranking.frauds_judged,
            "prevalence": ranking.frauds_judged / ranking.rows_judged,
        },
        "unsmoothed": _setting(ranking.unsmoothed),
        "smoothed": _setting(ranking.smoothed),
        "lowest_ece_would_choose": {"raw": asdict(ranking.lowest_ece), "inverted": asdict(ranking.lowest_ece_inverted)},
        "remark": _remark(ranking),
        "sweep": [_sweep_record(rank, row) for rank, row in enumerate(ranking.rows, start=1)],
    }


def _setting(setting: Setting | None) -> dict[str, Any] | None:
    return None if setting is None else asdict(setting)


def _remark(ranking: SweepRanking) -> str:
    chosen, ece = ranking.selected, ranking.lowest_ece
    remark = f"Selected: {chosen.text}. "
    if chosen.smoothing == 0:
        other = "none was in the sweep" if ranking.smoothed is None else f"the best is {ranking.smoothed.text}"
        remark += f"No smoothing won, so comparisons and shadow rows also carry the best ε > 0; {other}. "
    same = "the same setting" if ece == chosen else ece.text
    return remark + f"Lowest raw ECE would have chosen {same}."


def _sweep_record(rank: int, row: SweepRow) -> dict[str, Any]:
    return {
        "rank": rank,
        **asdict(row.setting),
        "repeats": row.repeats,
        "selectable": row.selectable,
        "log_loss_affine": row.log_loss_affine,
        "log_loss_affine_spread": row.log_loss_affine_spread,
        "train_accuracy": row.train_accuracy,
        "raw": row.raw,
        "inverted": row.inverted,
    }
