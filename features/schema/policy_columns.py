"""What was done with a transaction, who says what it was, and with which probability it was let through.

All three columns are optional. A policy that blocks rows loses their labels, and an investigator's word is no
chargeback: `label` holds outcomes alone, what is only an opinion stands in `opinion`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import text_values
from features.schema.faults import Mask, Parsed, merged_masks
from features.schema.preset import Preset
from features.schema.values import numbers

ACTIONS = ("approved", "challenged", "blocked")
OPINION_COLUMN = "opinion"
SOURCE_WORD = r"^[a-z][a-z0-9_ -]{0,39}$"
"""A label's source is a word that many rows share; a longer text is a remark, and perhaps personal."""


@dataclass(frozen=True)
class PolicyColumns:
    """What a source says of its policy; None where it does not have the column.

    Attributes:
        action: one of `ACTIONS`, null where not known [N].
        label_source: who gave the label, in lower case, null where not said [N].
        approval_probability: NaN where not known [N].
    """

    action: pa.Array | None = None
    label_source: pa.Array | None = None
    approval_probability: NDArray[np.float64] | None = None

    @property
    def blocked(self) -> Mask | None:
        """Rows that were blocked [N]; None where nothing says so."""
        return None if self.action is None else _equal(self.action, "blocked")

    def columns(self) -> dict[str, pa.Array]:
        """The columns that are there, by their canonical name."""
        found = {"action": self.action, "label_source": self.label_source}
        if self.approval_probability is not None:
            unknown = np.isnan(self.approval_probability)
            found["approval_probability"] = pa.array(self.approval_probability, mask=unknown)
        return {name: column for name, column in found.items() if column is not None}


@dataclass(frozen=True)
class KnownLabels:
    """Labels told apart by what they are worth.

    Attributes:
        outcome: 0, 1, or −1 where unknown [N].
        opinion: the same of labels that are opinions [N]; None where the source has neither actions nor label sources.
        masked: rows [N] whose label is no outcome, by reason.
    """

    outcome: NDArray[np.int8]
    opinion: NDArray[np.int8] | None
    masked: Mapping[str, Mask]


def policy_columns(columns: Mapping[str, pa.Array], preset: Preset) -> Parsed[PolicyColumns]:
    """The three columns as far as the source has them, and the rows whose value cannot be."""
    action, source, probability = (columns.get(name) for name in ("action", "label_source", "approval_probability"))
    actions = None if action is None else _actions(action, preset)
    sources = None if source is None else _sources(source, preset.quotes)
    blocked = None if actions is None else _equal(actions.values, "blocked")
    approvals = None if probability is None else _approvals(probability, blocked, preset.quotes)
    found = PolicyColumns(
        None if actions is None else actions.values,
        None if sources is None else sources.values,
        None if approvals is None else approvals.values,
    )
    return Parsed(found, merged_masks(part.faults for part in (actions, sources, approvals) if part is not None))


def known_labels(label: NDArray[np.int8], policy: PolicyColumns, *, opinions: Collection[str]) -> KnownLabels:
    """Outcomes and opinions told apart.

    A blocked row was never paid, so nothing of it can be charged back: whatever the file says, it has no outcome. Its
    label is kept as an opinion where somebody gave it, chargebacks apart; a 0 or 1 that nobody signed is a filler.

    Args:
        label: 0, 1, or −1 where unknown [N].
        policy: of the same rows.
        opinions: sources whose labels are opinions.
    """
    blocked, source = policy.blocked, policy.label_source
    if blocked is None and source is None:
        return KnownLabels(label, None, {})
    stopped = np.zeros(len(label), np.bool_) if blocked is None else blocked
    signed = np.zeros(len(label), np.bool_)
    masked = {}
    for name in sorted(opinions) if source is not None else ():
        rows = _equal(source, name) & (label >= 0)
        masked[f"an opinion of source '{name}'"] = rows & ~stopped
        signed |= rows
    if source is not None:
        named = pc.is_valid(source).to_numpy(zero_copy_only=False) & ~_equal(source, "chargeback")
        signed |= stopped & named
    masked["the row was blocked"] = stopped & (label >= 0)
    lost = stopped | signed
    unknown = np.int8(-1)
    return KnownLabels(np.where(lost, unknown, label), np.where(signed, label, unknown), masked)


def _actions(column: pa.Array, preset: Preset) -> Parsed[pa.Array]:
    """The words of the preset as the canonical ones, null where blank."""
    spec = preset.action
    assert spec is not None
    text = pc.utf8_lower(text_values(column, quotes=preset.quotes))
    values, found = pa.nulls(len(text), pa.string()), np.zeros(len(text), np.bool_)
    for action in ACTIONS:
        words = [word.lower() for word in getattr(spec, action)]
        rows = pc.is_in(text, pa.array(words, pa.string()))
        values = pc.if_else(rows, action, values)
        found |= rows.to_numpy(zero_copy_only=False)
    every = "/".join(word for action in ACTIONS for word in getattr(spec, action))
    reason = f"action: must be {every}, or blank where not known"
    return Parsed(values, {reason: pc.is_valid(text).to_numpy(zero_copy_only=False) & ~found})


def _sources(column: pa.Array, quotes: str) -> Parsed[pa.Array]:
    text = pc.utf8_lower(text_values(column, quotes=quotes))
    word = pc.fill_null(pc.match_substring_regex(text, SOURCE_WORD), True).to_numpy(zero_copy_only=False)
    reason = "label_source: must be a short word such as chargeback or investigator, or blank"
    return Parsed(text, {reason: ~word})


def _approvals(column: pa.Array, blocked: Mask | None, quotes: str) -> Parsed[NDArray[np.float64]]:
    """Probabilities; 0 is no chance at all, which only a blocked row can have had."""
    values, unreadable = numbers(column, quotes=quotes)
    no_chance = np.zeros(len(values), np.bool_) if blocked is None else blocked & (values == 0)
    impossible = ~np.isnan(values) & ~((values > 0) & (values <= 1)) & ~no_chance
    return Parsed(
        values,
        {
            "approval_probability: must be a number or blank": unreadable,
            "approval_probability: must lie above 0 and not above 1 (0 only of a blocked row)": impossible,
        },
    )


def _equal(column: pa.Array, value: str) -> Mask:
    result: Mask = pc.fill_null(pc.equal(column, value), False).to_numpy(zero_copy_only=False)
    return result
