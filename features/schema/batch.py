"""One batch of source rows read into canonical transactions: accepted, quarantined, or later than as-of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.canonical_columns import (
    Amounts,
    Columns,
    Floats,
    Ints,
    Labels,
    Reading,
    availability,
    category_columns,
    entity_columns,
    number_columns,
    readable_times,
    role_columns,
    row_ranks,
    source_amounts,
    source_labels,
    source_times,
    transaction_ids,
)
from features.schema.canonical_rules import broken_rules
from features.schema.event_times import NOT_A_TIME, Instants
from features.schema.faults import Faults, Mask, Parsed, merged_masks
from features.schema.policy_columns import OPINION_COLUMN, KnownLabels, PolicyColumns, known_labels, policy_columns
from features.schema.values import minor_units

MOMENT = pa.timestamp("us", tz="UTC")
CURRENCY = "currency: "
"""What the name of a count of rows begins with; the currency follows."""


@dataclass(frozen=True)
class CanonicalBatch:
    """One batch of source rows after reading and judging.

    Attributes:
        accepted: canonical rows.
        kept: place in the source batch of each accepted row [accepted].
        rejected: place in the source batch of each quarantined row [quarantined].
        reasons: list of reasons of each quarantined row [quarantined].
        after_as_of: rows that were left out because they lie after as-of.
        ranks: place of each accepted row in the order of `repeats` [accepted]; None where the preset gives none.
        counts: what was changed or held back on the way, by name.
    """

    accepted: pa.Table
    kept: Ints
    rejected: Ints
    reasons: pa.Array
    after_as_of: int
    ranks: Ints | None
    counts: Mapping[str, int]


@dataclass(frozen=True)
class SourceRows:
    """Rows of a batch that are to be judged, with their times read.

    Attributes:
        columns: each role's source column, decoded [N].
        undecodable: rows [N] whose text is no UTF-8, by reason.
        event: when each happened, as far as that can be read [N].
        places: place of each in the source batch [N].
    """

    columns: Columns
    undecodable: Mapping[str, Mask]
    event: Instants
    places: Ints


@dataclass(frozen=True)
class RowValues:
    """The canonical columns as read, placeholders where a row is at fault.

    `labels` are the file's, as far as no mask took them away; `known` tells outcomes from opinions among them.
    """

    ids: pa.Array
    time: Ints
    entities: Mapping[str, pa.Array]
    amounts: Amounts
    labels: Labels
    known: KnownLabels
    policy: PolicyColumns
    available: Ints
    ranks: Ints | None
    texts: Mapping[str, pa.Array]
    numbers: Mapping[str, Floats]


def canonical_batch(raw: pa.Table, *, reading: Reading, row_ids: Ints) -> CanonicalBatch:
    """Read and judge one batch; every row is accepted, quarantined with reasons, or left out as later than as-of.

    Args:
        raw: source columns, text or typed, at least those that the plan needs.
        reading: preset and settings.
        row_ids: transaction ids to use where the source has none [N].

    Returns:
        The batch; `len(accepted) + len(rejected) + after_as_of` is the number of rows in `raw`.
    """
    rows, later = up_to(raw, reading)
    read = _row_values(rows, reading, row_ids[rows.places])
    faults = Faults(len(rows.places), merged_masks([rows.undecodable, read.faults, _broken(read.values, reading)]))
    bad = faults.any()
    table, counts = _canonical_table(read.values, bad, reading)
    return CanonicalBatch(
        accepted=table.filter(pa.array(~bad)) if bad.any() else table,
        kept=rows.places[~bad],
        rejected=rows.places[bad],
        reasons=faults.reasons(),
        after_as_of=later,
        ranks=None if read.values.ranks is None else read.values.ranks[~bad],
        counts={"naive_times": int(rows.event.naive.sum()), **counts},
    )


def up_to(raw: pa.Table, reading: Reading) -> tuple[SourceRows, int]:
    """The rows of a batch that do not lie after as-of, and how many do; a row without a time stays to be judged."""
    preset = reading.preset
    read = role_columns(raw, reading.plan, encoding=preset.encoding)
    event = source_times(read.values, "event_time", preset.event_time, preset.quotes)
    now = reading.as_of
    early = np.ones(raw.num_rows, bool) if now is None else (event.micros <= now) | (event.micros == NOT_A_TIME)
    places, later = np.flatnonzero(early), int((~early).sum())
    if not later:
        return SourceRows(read.values, read.faults, event, places), 0
    taken = {role: column.take(pa.array(places)) for role, column in read.values.items()}
    undecodable = {reason: mask[places] for reason, mask in read.faults.items()}
    return SourceRows(taken, undecodable, event.taken(places), places), later


def _row_values(rows: SourceRows, reading: Reading, row_ids: Ints) -> Parsed[RowValues]:
    columns, preset = rows.columns, reading.preset
    time = readable_times(rows.event, "event_time", required=True)
    ids = transaction_ids(columns, preset, row_ids)
    entities = entity_columns(columns, reading, time.values)
    amounts = source_amounts(columns, reading, time.values)
    labels = source_labels(columns["label"], time.values, preset)
    available = availability(columns, reading, time.values, labels.values.values)
    policy = policy_columns(columns, preset)
    numbers = number_columns(columns, preset)
    ranks = None if "repeats" not in columns else row_ranks(columns["repeats"], preset)
    values = RowValues(
        ids=ids.values,
        time=time.values,
        entities={name: parsed.values for name, parsed in entities.items()},
        amounts=amounts.values,
        labels=labels.values,
        known=known_labels(labels.values.values, policy.values, opinions=reading.opinions),
        policy=policy.values,
        available=available.values,
        ranks=None if ranks is None else ranks.values,
        texts=category_columns(columns, preset),
        numbers={name: parsed.values for name, parsed in numbers.items()},
    )
    every = (time, ids, *entities.values(), amounts, labels, available, policy, ranks, *numbers.values())
    return Parsed(values, merged_masks(parsed.faults for parsed in every if parsed is not None))


def _broken(values: RowValues, reading: Reading) -> dict[str, Mask]:
    """Rows that break a rule; where the preset knows refunds, only the size of an amount is judged."""
    major, preset = values.amounts.major, reading.preset
    return broken_rules(
        preset,
        time=values.time,
        amount=major if preset.amount.refund is None else np.abs(major),
        label=values.labels.values,
        available=values.available,
    )


def _canonical_table(values: RowValues, bad: Mask, reading: Reading) -> tuple[pa.Table, dict[str, int]]:
    """All canonical columns in their order, rows at fault among them, and what was changed or held back."""
    preset, label = reading.preset, values.known.outcome
    minor, rounded = _minor_amounts(values.amounts, bad, reading)
    refund, refunds = values.amounts.major < 0, {}
    if preset.amount.refund is not None:
        refunds = {preset.amount.refund: pa.array(np.where(refund, "true", "false"), pa.string())}
    held_back = _held_back(values, reading) & ~bad
    unknown = (label < 0) | held_back
    table = {
        "transaction_id": values.ids,
        "event_time": _moments(values.time),
        **values.entities,
        "amount": pa.array(minor / preset.amount.scale),
        "amount_minor": pa.array(minor),
        "label": pa.array(label, mask=unknown),
        "label_available_at": _moments(values.available, mask=unknown),
        **_policy_table(values, held_back),
        **values.texts,
        **refunds,
        **{name: pa.array(column) for name, column in values.numbers.items()},
    }
    counts = {
        "amounts_rounded": int(rounded.sum()),
        "refunds": int((refund & ~bad).sum()) if refunds else 0,
        **{f"{CURRENCY}{name}": rows for name, rows in values.amounts.currencies.items()},
        "fraud_labels_not_yet_available": int((held_back & (label == 1)).sum()),
        "legitimate_labels_not_yet_available": int((held_back & (label == 0)).sum()),
        **{
            f"labels_masked: {reason}": int((rows & ~bad).sum())
            for reason, rows in {**values.labels.masked, **values.known.masked}.items()
        },
    }
    return pa.table(table), counts


def _policy_table(values: RowValues, held_back: Mask) -> dict[str, pa.Array]:
    """What the source says of its policy, and opinions beside.

    Of a label that came after as-of nobody knows who gave it either: a chargeback would tell what it says.
    """
    columns, opinion = values.policy.columns(), values.known.opinion
    if "label_source" in columns and held_back.any():
        columns["label_source"] = pc.if_else(pa.array(held_back), None, columns["label_source"])
    if opinion is not None:
        columns[OPINION_COLUMN] = pa.array(opinion, mask=(opinion < 0) | held_back)
    return columns


def _minor_amounts(amounts: Amounts, bad: Mask, reading: Reading) -> tuple[Ints, Mask]:
    """Amounts without sign as minor units, 0 where at fault, and which were finer and rounded."""
    plain = pc.if_else(pa.array(bad), None, amounts.plain)
    minor, rounded = minor_units(plain, np.where(bad, 0.0, amounts.major), scale=reading.preset.amount.scale)
    return np.abs(minor), rounded


def _held_back(values: RowValues, reading: Reading) -> Mask:
    """Rows whose label is known in the source but was not yet as of the given time."""
    if reading.as_of is None:
        return np.zeros(len(values.time), bool)
    return (values.available > reading.as_of) & (values.labels.values >= 0)


def _moments(micros: Ints, mask: Mask | None = None) -> pa.Array:
    return pa.array(micros, pa.int64(), mask=mask).cast(MOMENT)
