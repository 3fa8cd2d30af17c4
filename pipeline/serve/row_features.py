"""From one canonical row and what a state answered to what a graph takes, with the bits that a table would have."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.online.state import Row
from features.windows.calendar import CALENDAR
from features.windows.kernels import Float32
from features.windows.spec import FeatureColumn, FeatureSpec

LARGEST = float(np.finfo(np.float32).max)
BEYOND = LARGEST + 2.0**103
"""Numbers from here on are infinite in single precision."""
OF_EVERY_ROW = ("amount", "event_time")
"""Columns that a log keeps in the words of its events."""
Number = Callable[[Mapping[str, Any]], float]


@dataclass(frozen=True)
class RowFeatures:
    """How a specification's columns come together for one row.

    Attributes:
        spec: all columns.
        ids: names of the ids, in the order of a state's plan.
    """

    spec: FeatureSpec
    ids: tuple[str, ...]

    def event(self, values: Mapping[str, Any]) -> Row:
        """A canonical row as a state takes it.

        Args:
            values: `features.schema.one_row.OneRow.values`.
        """
        return Row(
            values["event_time"],
            values["amount_minor"],
            [values.get(name) for name in self.ids],
            values["transaction_id"],
            values.get("label"),
            values.get("label_available_at"),
        )

    def numbers(self, values: Mapping[str, Any], answers: Float32) -> Float32:
        """The numeric columns in the order of the specification [1, F], NaN where missing.

        Args:
            values: of the canonical row.
            answers: of the state [columns of entities].
        """
        found = np.empty((1, self._count), np.float32)
        found[0, self._places_of_answers] = answers
        for place, read in self._own:
            found[0, place] = read(values)
        return found

    def texts(self, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """The categorical columns, str [1, 1], "" where missing."""
        return {name: np.array([[_text(values.get(of)) or ""]], object) for name, of in self._texts}

    def kept(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a log keeps of the row beside its words: transaction_id, and columns that stand in the row itself."""
        found: dict[str, Any] = {"transaction_id": values["transaction_id"]}
        for of, is_number in self.own_columns:
            found[of] = _json_number(values.get(of)) if is_number else _text(values.get(of))
        return found

    def told(self, kept: Mapping[str, Any], time: int, amount: int) -> dict[str, Any]:
        """The inverse of `kept` for a row of a log, as far as columns read it that are not of entities."""
        return {**kept, "event_time": time, "amount": amount / self.spec.amount_scale, "amount_minor": amount}

    def named(self, numbers: Float32, texts: Mapping[str, NDArray[Any]]) -> dict[str, float | str | None]:
        """All columns by name, None where missing."""
        found: dict[str, float | str | None] = {
            name: None if math.isnan(number) else number
            for name, number in zip(self.spec.numeric, numbers[0].tolist(), strict=True)
        }
        return found | {name: text[0, 0] or None for name, text in texts.items()}

    @cached_property
    def _numeric(self) -> list[FeatureColumn]:
        return [column for column in self.spec.columns if column.kind == "numeric"]

    @cached_property
    def _count(self) -> int:
        return len(self._numeric)

    @cached_property
    def _places_of_answers(self) -> slice | NDArray[np.int64]:
        """Where answers go; the names of a state's plan are those of entities in the same order."""
        places = [place for place, column in enumerate(self._numeric) if column.entity]
        side_by_side = not places or places == list(range(places[0], places[-1] + 1))
        return slice(*((places[0], places[-1] + 1) if places else (0, 0))) if side_by_side else np.array(places)

    @cached_property
    def _own(self) -> list[tuple[int, Number]]:
        return [(place, _reader(column)) for place, column in enumerate(self._numeric) if not column.entity]

    @cached_property
    def _texts(self) -> list[tuple[str, str]]:
        return [(column.name, str(column.of)) for column in self.spec.columns if column.kind == "categorical"]

    @cached_property
    def own_columns(self) -> list[tuple[str, bool]]:
        """Columns that a log keeps of a row beside its words, and whether they are numbers."""
        own = [column for column in self.spec.columns if not column.entity and column.of]
        return [(str(c.of), c.kind == "numeric") for c in own if c.of not in OF_EVERY_ROW]


def _reader(column: FeatureColumn) -> Number:
    clock = CALENDAR.get(column.aggregate)
    if clock is not None:
        return lambda values: float(clock(values["event_time"]))
    of = str(column.of)
    return lambda values: _single(values.get(of))


def _single(value: float | int | None) -> float:
    """A number that single precision holds without a warning."""
    if value is None:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= BEYOND else float(value)


def _json_number(value: float | int | None) -> float | int | None:
    return None if value is None or not math.isfinite(value) else value


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)
