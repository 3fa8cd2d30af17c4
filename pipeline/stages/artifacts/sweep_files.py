"""The sweep between stages: what train writes of every setting, and what evaluation reads back."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.special import expit

from evaluation.selection import Setting as RankedSetting
from evaluation.selection import SettingOutcome, SweepRanking
from models.losses import LossSettings, posterior, tail_floor
from models.rows import Float64s, Integers
from models.sweep import Sweep
from models.sweep_settings import Setting
from pipeline.storage.content import read_json, read_table, write_json, write_table


@dataclass(frozen=True)
class ValidOutcomes:
    """The sweep on the labelled rows of valid.

    Attributes:
        labels: 0 or 1 [N].
        event_time: microseconds since the epoch [N].
        merchant: merchant codes, < 0 for none [N]; None where the data has no merchants.
        outcomes: one a setting and repeat.
        unsmoothed: raw P(fraud) of ε = 0 without class weights, evidence before any smoothing [N]; None where the sweep
            did not try it.
    """

    labels: Float64s
    event_time: np.ndarray
    merchant: Integers | None
    outcomes: tuple[SettingOutcome, ...]
    unsmoothed: Float64s | None


def sweep_outcomes(sweep: Sweep, *, floor: float) -> tuple[SettingOutcome, ...]:
    """What evaluation ranks: margins and posteriors on valid under the names settings were asked for by."""
    return tuple(
        SettingOutcome(
            setting=ranked_setting(setting),
            repeat=setting.repeat,
            margins=fit.valid_margins,
            posterior=posterior(fit.valid_margins, setting.loss, floor=floor).probability,
            train_accuracy=fit.train_accuracy,
            selectable=not setting.guide,
            finished=fit.ruled_out is None,
        )
        for setting, fit in zip(sweep.settings, sweep.fits, strict=True)
    )


def ranked_setting(setting: Setting) -> RankedSetting:
    """A setting as evaluation names it, ε in torch's sense."""
    return RankedSetting(setting.loss.epsilon, setting.class_weight, setting.loss.weighting)


def position(sweep: Sweep, wanted: RankedSetting) -> int:
    """Place of a ranked setting's repeat 0, the one that ships."""
    for place, setting in enumerate(sweep.settings):
        if setting.repeat == 0 and ranked_setting(setting) == wanted:
            return place
    raise ValueError(f"the sweep holds no repeat 0 of {wanted.text}")


def write_outcomes(
    folder: Path, sweep: Sweep, *, labels: np.ndarray, event_time: np.ndarray, merchant: Integers | None
) -> None:
    """Write valid.parquet (margins, a column a setting) and sweep.json (what the columns are)."""
    columns = {"event_time": pa.array(event_time), "label": pa.array(labels)}
    columns |= {} if merchant is None else {"merchant": pa.array(merchant)}
    described = []
    for place, (setting, fit) in enumerate(zip(sweep.settings, sweep.fits, strict=True)):
        columns[f"s{place:03d}"] = pa.array(fit.valid_margins)
        described.append(
            {
                "column": f"s{place:03d}",
                "class_weight": setting.class_weight,
                "loss": setting.loss.to_dict(),
                "repeat": setting.repeat,
                "guide": setting.guide,
                "train_accuracy": fit.train_accuracy,
                "best_epoch": fit.best_epoch,
                "ruled_out": fit.ruled_out,
                "valid_log_loss": fit.valid_log_loss,
                "train_loss": fit.train_loss,
            }
        )
    write_table(folder / "valid.parquet", pa.table(columns))
    write_json(folder / "sweep.json", {"prevalence": sweep.prevalence, "notes": sweep.notes, "settings": described})


def read_outcomes(valid: Path, description: Path, *, floor: float) -> ValidOutcomes:
    """The inverse of `write_outcomes`, posteriors made anew from the margins.

    Args:
        valid: the margins.
        description: what they are of.
        floor: as configured; the tails begin there, or lower where train has few frauds.
    """
    table, described = read_table(valid), read_json(description)
    floor = tail_floor(floor, prevalence=described["prevalence"])
    outcomes, unsmoothed = [], None
    for each in described["settings"]:
        loss = LossSettings.from_dict(each["loss"])
        setting = Setting(each["class_weight"], loss, each["repeat"], each["guide"])
        margins = table[each["column"]].to_numpy()
        inverted = posterior(margins, loss, floor=floor).probability
        outcomes.append(
            SettingOutcome(
                ranked_setting(setting),
                setting.repeat,
                margins,
                inverted,
                each["train_accuracy"],
                selectable=not setting.guide,
                finished=each.get("ruled_out") is None,
            )
        )
        if unsmoothed is None and setting.plain:
            unsmoothed = expit(margins)
    labels = table["label"].to_numpy().astype(np.float64)
    merchant = table["merchant"].to_numpy() if "merchant" in table.column_names else None
    return ValidOutcomes(labels, table["event_time"].to_numpy(), merchant, tuple(outcomes), unsmoothed)


def sweep_table(ranking: SweepRanking, sweep: Sweep) -> pa.Table:
    """sweep.parquet: a row per setting, best first, statistics raw and after the inverse."""
    fits = {ranked_setting(s): fit for s, fit in zip(sweep.settings, sweep.fits, strict=True) if not s.repeat}
    records = [
        {
            "rank": rank,
            "smoothing": row.setting.smoothing,
            "class_weight": row.setting.class_weight,
            "weighting": row.setting.weighting,
            "selected": row.setting == ranking.selected,
            "selectable": row.selectable,
            "repeats": row.repeats,
            "log_loss_affine": row.log_loss_affine,
            "log_loss_affine_spread": row.log_loss_affine_spread,
            "behind": math.nan if row.behind is None else row.behind.value,
            "behind_error": math.nan if row.behind is None else row.behind.error,
            "behind_limit": math.nan if row.behind is None else row.behind.limit,
            "train_accuracy": row.train_accuracy,
            "best_epoch": fits[row.setting].best_epoch,
            "ruled_out": fits[row.setting].ruled_out,
            **{f"raw_{name}": value for name, value in row.raw.items()},
            **{f"inverse_{name}": value for name, value in row.inverted.items()},
        }
        for rank, row in enumerate(ranking.rows, start=1)
    ]
    table = pa.Table.from_pylist(records)
    # a column of nulls alone has no type of its own
    place = table.schema.get_field_index("ruled_out")
    return table.set_column(place, "ruled_out", table["ruled_out"].cast(pa.int64()))
