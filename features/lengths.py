"""The [split] and [labels] sections: how long folds are, as time or as a share of rows, and how late labels are."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.durations import Duration, duration_microseconds
from features.errors import InputError

FOLDS = ("train", "valid", "calib", "test")
"""Fold names in order of time; the place in this tuple is the fold's code."""

SPANS = ("train", "gap", "valid", "calib", "gap", "test")
"""What follows what in time."""


class LabelsConfig(BaseModel):
    """The [labels] section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay: Duration = Field(
        duration_microseconds("7d"),
        description="when a label becomes known after the transaction, where the data has no label_available_at",
    )


class SplitConfig(BaseModel):
    """The [split] section: durations, or shares of rows in time order, not both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: str = Field("61d", description="length of the fold that models are fitted on")
    gap: str = Field("7d", description="left out before valid and before test, so that labels can mature")
    valid: str = Field("14d", description="length of the fold that stops training and selects settings")
    calib: str = Field("14d", description="length of the fold that calibrators are fitted on")
    test: str = Field("33d", description="length of the fold that is judged once, at the end")

    @property
    def by_rows(self) -> bool:
        """Whether lengths are shares of rows."""
        return self.train.endswith("%")

    def length(self, span: str) -> int:
        """Length of a fold or of a gap in microseconds, 0 where lengths are shares and it is none."""
        return duration_microseconds(getattr(self, span))

    def share(self, span: str) -> float:
        """Length of a fold or of a gap as a share of rows."""
        text = getattr(self, span)
        return float(text.removesuffix("%")) / 100 if text.endswith("%") else 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = [fault for name in type(self).model_fields if (fault := self._length_fault(name))]
        if not faults:
            faults = self._mix_faults()
        if faults:
            raise InputError("; ".join(faults))
        return self

    def _length_fault(self, name: str) -> str | None:
        text = getattr(self, name)
        number = re.fullmatch(r"(\d+(?:\.\d+)?)%|(\d+)[dhms]", text)
        if number is None:
            return f"{name}: must be a duration such as '14d' or a share of rows such as '10%', got {text!r}"
        if name != "gap" and float(number[1] or number[2]) == 0:
            return f"{name}: must be longer than 0, got {text!r}"
        return None

    def _mix_faults(self) -> list[str]:
        none = float(self.gap.rstrip("%dhms")) == 0
        lengths = {n: getattr(self, n) for n in type(self).model_fields if n != "gap" or not none}
        shares = [n for n, text in lengths.items() if text.endswith("%")]
        if 0 < len(shares) < len(lengths):
            return [f"lengths must be all durations or all shares of rows, got shares for {', '.join(shares)} alone"]
        total = sum(self.share(span) for span in SPANS)
        if total > 1 + 1e-9:
            return [f"shares of rows, the gap counted twice, must sum to at most 100%, got {100 * total:g}%"]
        return []
