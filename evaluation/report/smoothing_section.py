"""The report's `smoothing`: the setting selected, by which rule, out of which."""

from dataclasses import asdict
from typing import Any

from evaluation.paired_losses import PairedDifference
from evaluation.selection import Setting, SweepRanking, SweepRow


def smoothing_section(ranking: SweepRanking) -> dict[str, Any]:
    """What was selected, by which rule, what the smallest mean would have, and the whole sweep, best first."""
    return {
        "selected": asdict(ranking.selected),
        "simplest": asdict(ranking.simplest),
        "smallest_mean": asdict(ranking.smallest_mean),
        "selected_behind": _behind(ranking.behind(ranking.selected)),
        "simplest_behind": _behind(ranking.behind(ranking.simplest)),
        "rule": ranking.rule,
        "selection": selection_remark(ranking),
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


def selection_remark(ranking: SweepRanking) -> str:
    """What the smallest mean would have chosen, and by how much more or less than noise it leads."""
    smallest, selected, simplest = ranking.smallest_mean, ranking.selected, ranking.simplest
    if smallest == simplest:
        return f"{smallest.text} has the smallest mean log loss of those that can be selected, too."
    behind = ranking.behind(selected)
    remarks = []
    if selected != simplest:
        remarks.append(f"{simplest.text} was left: {_apart(ranking.behind(simplest))}, which is proven.")
    if selected == smallest:
        remarks.append("It has the smallest mean log loss of those that can be selected, too.")
    else:
        doubt = "within" if behind.value <= behind.limit else "beyond"
        repeats = "" if doubt == "within" else f", but in {behind.agreeing} of {behind.repeats} repeats only"
        remarks.append(
            f"The smallest mean log loss would have chosen {smallest.text}: {_apart(behind)}, {doubt} what noise "
            f"does{repeats}."
        )
    return " ".join(remarks)


def _apart(behind: PairedDifference) -> str:
    return (
        f"{behind.value:.5f} better (standard error {behind.error:.5f}, limit of noise {behind.limit:.5f}, "
        f"{behind.clusters} clusters by {behind.by})"
    )


def _behind(behind: PairedDifference) -> dict[str, Any]:
    return {**asdict(behind), "proven": behind.proven}


def _setting(setting: Setting | None) -> dict[str, Any] | None:
    return None if setting is None else asdict(setting)


def _remark(ranking: SweepRanking) -> str:
    chosen, ece = ranking.selected, ranking.lowest_ece
    remark = f"Selected: {chosen.text}. {selection_remark(ranking)} "
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
        "finished": row.finished,
        "log_loss_affine": row.log_loss_affine,
        "log_loss_affine_spread": row.log_loss_affine_spread,
        "behind": None if row.behind is None else _behind(row.behind),
        "train_accuracy": row.train_accuracy,
        "raw": row.raw,
        "inverted": row.inverted,
    }
