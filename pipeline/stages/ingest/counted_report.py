"""The report of an ingest, from the counts of its two passes."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from features.schema.canonical_columns import Reading
from features.schema.column_plan import ColumnPlan
from features.schema.duplicates import DIFFERENT, IDENTICAL, LABELLED, LABELS_DISAGREE, REPLACED
from features.schema.preset import CANONICAL, Preset
from features.times import DAY
from pipeline.stages.artifacts.ingest_report import (
    ChargebackCounts,
    Duplicates,
    IngestedColumns,
    IngestReport,
    JoinedCounts,
    LabelCounts,
    PolicyCounts,
    RowsSetAside,
    SourceCounts,
    prevalence,
)
from pipeline.stages.ingest.chargeback_feed import ChargebackFeed
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.lost_frauds import rows_set_aside, unlike_kept
from pipeline.stages.ingest.side_table import SideTable, join_warnings
from pipeline.stages.ingest.written_rows import FEW_HOURS, WrittenRows

FEW_DAYS = 3 * DAY
"""A file that is no longer may well be of one hour a day."""

ROUNDED_SHARE, REFUND_SHARE = 0.01, 0.5
"""Shares of rows from which amounts finer than their unit, and refunds, are told as odd."""
UNLIKE_MEANS, ENOUGH_AMOUNTS = 30.0, 1_000
"""A file whose amounts are on average so many times another's, of so many rows in each, may be in another unit."""
MONTHS = 12
ZONE_NAMES = frozenset({"tz", "timezone", "time_zone", "tzname", "tz_name", "zone", "utc_offset", "tz_offset"})
"""Columns, in any case, that say in which zone a time is where no preset does."""

MASKED = "labels_masked: "
"""What the name of a count begins with where reading itself made labels unknown; the reason follows."""


def counted_report(
    reading: Reading,
    first: FirstPass,
    written: WrittenRows,
    *,
    side: SideTable | None = None,
    feed: ChargebackFeed | None = None,
    hash_key_check: str | None,
) -> IngestReport:
    """The stage's report.

    Args:
        reading: how the source was read.
        first: counts of the first pass.
        written: counts over the rows written.
        side: what was joined to the rows; None where nothing was.
        feed: chargebacks of their own; None where the preset has none.
        hash_key_check: tells one secret for card ids from another.

    Raises:
        RuntimeError: a row is lost: neither accepted nor quarantined.
    """
    quarantine, counts, preset, plan = first.quarantine, first.counts, reading.preset, reading.plan
    if first.rows_in != written.rows + quarantine.count:
        raise RuntimeError(f"{first.rows_in} rows in, but {written.rows} accepted and {quarantine.count} quarantined")
    aside = rows_set_aside(first)
    further = {name: kind for name, kind in written.types.items() if name not in {*CANONICAL, *preset.entities}}
    return IngestReport(
        rows_in=first.rows_in,
        accepted=written.rows,
        quarantined=quarantine.count,
        rows_after_as_of=first.after_as_of,
        as_of=reading.as_of,
        files=dict(first.rows_of),
        lines_without_a_record=first.spare_lines,
        reasons=dict(sorted(quarantine.reasons.items())),
        columns=_columns(plan, written),
        duplicates=_duplicates(quarantine.reasons),
        amounts_rounded=counts["amounts_rounded"],
        refunds=counts["refunds"],
        times_without_zone=counts["naive_times"],
        labels=_labels(counts, written),
        start=written.first,
        end=written.last,
        warnings=(
            *_warnings(plan, written, first.spare_lines, aside=aside),
            *_value_warnings(preset, written),
            *_amount_warnings(preset, first, written.rows),
            *_zone_warnings(plan, first),
            *_repeat_warnings(first),
            *(() if side is None else join_warnings(side)),
            *_report_warnings(feed, first),
            *written.delivery,
        ),
        set_aside=aside,
        digest=written.digest.hexdigest(),
        card_id_hash_key_check=hash_key_check,
        categorical=tuple(name for name, kind in further.items() if kind == "string"),
        numeric=tuple(name for name, kind in further.items() if kind != "string"),
        entities=tuple(name for name in preset.entities if name in written.types),
        entities_absent=tuple(name for name in preset.entities if name not in written.types),
        amount_scale=preset.amount.scale,
        policy=_policy(written),
        joined=None if side is None else _joined(side),
        chargebacks=None if feed is None else _chargebacks(feed, first, written),
    )


def _columns(plan: ColumnPlan, written: WrittenRows) -> IngestedColumns:
    return IngestedColumns(
        used=dict(plan.columns),
        absent=plan.absent,
        ignored=plan.ignored,
        dropped_leaks=plan.leaks,
        dropped_personal=plan.personal,
        types=written.types,
        nulls=dict(written.nulls),
    )


def _duplicates(reasons: Mapping[str, int]) -> Duplicates:
    conflicting = sum(reasons.get(each, 0) for each in (DIFFERENT, LABELS_DISAGREE))
    return Duplicates(
        identical=reasons.get(IDENTICAL, 0),
        conflicting=conflicting,
        labelled_later=reasons.get(LABELLED, 0),
        replaced=reasons.get(REPLACED, 0),
    )


def _joined(side: SideTable) -> JoinedCounts:
    return JoinedCounts(
        rows=side.counts.rows,
        with_partner=side.counts.partnered,
        keys=len(side.keys),
        keys_without_transaction=int((~side.counts.met).sum()),
    )


def _labels(counts: Mapping[str, int], written: WrittenRows) -> LabelCounts:
    masked = {reason.removeprefix(MASKED): count for reason, count in counts.items() if reason.startswith(MASKED)}
    for reason, count in written.masked.items():
        masked[reason] = masked.get(reason, 0) + count
    fraud, legitimate = written.labels[1], written.labels[0]
    return LabelCounts(
        fraud=fraud,
        legitimate=legitimate,
        unknown=written.labels[-1],
        prevalence=prevalence(fraud, legitimate),
        fraud_not_yet_available=counts.get("fraud_labels_not_yet_available", 0),
        legitimate_not_yet_available=counts.get("legitimate_labels_not_yet_available", 0),
        masked=masked,
    )


def one_class(written: WrittenRows) -> str:
    """That all known labels are of one class, and what may be behind it; empty where both are there or none."""
    fraud, legitimate = written.labels[1], written.labels[0]
    if fraud and not legitimate:
        return (
            f"all {fraud:,} known labels are fraud (100 %): does the feed list frauds alone? "
            'label.absent = "no" in the preset says that the others are legitimate'
        )
    if legitimate and not fraud:
        return (
            f"none of the {legitimate:,} known labels is fraud (0 %): are label.yes and label.no right, and "
            "have the frauds been reported yet?"
        )
    return ""


def _policy(written: WrittenRows) -> PolicyCounts | None:
    if not written.actions and not written.sources:
        return None
    return PolicyCounts(
        actions=dict(sorted(written.actions.items())),
        outcomes=_by_source(written, "label"),
        opinions=_by_source(written, "opinion"),
    )


def _chargebacks(feed: ChargebackFeed, first: FirstPass, written: WrittenRows) -> ChargebackCounts:
    return ChargebackCounts(
        rows=feed.rows,
        quarantined=feed.quarantine.count,
        after_as_of=feed.after_as_of,
        repeats=feed.reports.repeats,
        contradictions=feed.reports.contradictions,
        transactions=first.reported,
        unknown_transactions=len(feed.reports.keys) - first.reported,
        changed=written.changed,
        reasons=dict(sorted(feed.quarantine.reasons.items())),
    )


def _report_warnings(feed: ChargebackFeed | None, first: FirstPass) -> Iterator[str]:
    """Reports that were lost: their transaction is not there, or they could not be read."""
    if feed is None:
        return
    keys = len(feed.reports.keys)
    unknown = keys - first.reported
    if unknown:
        spelled = ": are the ids spelled alike in both files?" if unknown == keys else ""
        yield (
            f"{unknown:,} of the {keys:,} transactions in the chargeback feed are not among the transactions{spelled}"
        )
    for reason, count in feed.quarantine.reasons.items():
        yield f"{count:,} chargebacks were set aside and count for nothing ({reason})"
    if feed.reports.contradictions:
        yield (
            f"{feed.reports.contradictions:,} chargebacks contradict another one of the same transaction and moment: "
            "fraud wins"
        )


def _by_source(written: WrittenRows, column: str) -> dict[str, SourceCounts]:
    sources = sorted({source for source, of, _ in written.sources if of == column})
    counts = written.sources
    return {
        source: SourceCounts(fraud=counts[source, column, 1], legitimate=counts[source, column, 0])
        for source in sources
    }


def _value_warnings(preset: Preset, written: WrittenRows) -> Iterator[str]:
    """What the values themselves say: ids that are none, and a day without its clock."""
    time = preset.event_time
    of_days = time.counts_days or (time.kind == "parts" and not time.time)
    if len(written.hours) <= FEW_HOURS and written.last - written.first > FEW_DAYS and not of_days:
        yield (
            "all times lie in one hour of the day, so rows of one day hardly see one another: does the time of day "
            "stand in another column (event_time.time), or is it HHMM (formats)?"
        )
    numbered = any({"%d", "%m"} <= {*re.findall("%.", form)} for form in time.formats)
    if numbered and (told := _swapped_days(written.days)):
        yield told
    for name, sample in written.values.items():
        yield from sample.id_warnings(name) if name in preset.entities else sample.spelling_warnings(name)


def _swapped_days(days: Collection[int]) -> str:
    """That days and months look exchanged: first days of months, and fewer of them than months; empty where not.

    A file of the first twelve days of a month reads either way, and days after the twelfth would have been refused.
    """
    dates = np.array(sorted(days), "datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_month = np.unique((dates - months).astype(np.int64) + 1)
    if not len(of_month) or of_month.max() > MONTHS or len(np.unique(months)) <= len(of_month):
        return ""
    which = ", ".join(map(str, of_month.tolist()))
    return (
        f"all rows are of {len(of_month)} day{'s' * (len(of_month) > 1)} of the month ({which}) in "
        f"{len(np.unique(months))} months: do the formats have day and month the right way round?"
    )


def _amount_warnings(preset: Preset, first: FirstPass, rows: int) -> Iterator[str]:
    """Amounts that were read, but perhaps not as they were meant."""
    rounded, refunds = first.counts["amounts_rounded"], first.counts["refunds"]
    if rounded > ROUNDED_SHARE * rows:
        yield (
            f"{rounded:,} amounts have more decimal places than amount.scale = {preset.amount.scale} keeps and were "
            "rounded: where their point separates thousands, the preset must say amount.thousands"
        )
    if refunds > REFUND_SHARE * rows:
        yield f"{refunds:,} of {rows:,} amounts are refunds: do payments have the minus in this feed?"
    means = {file: amount / count for file, (count, amount) in first.amounts_of.items() if count >= ENOUGH_AMOUNTS}
    low, high = (pick(means, key=means.__getitem__, default="") for pick in (min, max))
    if means and means[high] > UNLIKE_MEANS * means[low]:
        yield (
            f"amounts of {high} are on average {means[high] / max(means[low], 1e-9):,.0f} times those of {low}: "
            "are all files in one unit?"
        )


def _zone_warnings(plan: ColumnPlan, first: FirstPass) -> Iterator[str]:
    """Times without a zone beside a column that seems to name it."""
    naive, named = first.counts["naive_times"], [name for name in plan.ignored if name.lower() in ZONE_NAMES]
    if naive and named:
        yield (
            f"{naive:,} times have no zone and were read in the preset's, while the source has a column {named[0]!r}: "
            f"where it says each row's zone, event_time.zone = {named[0]!r} in the preset reads it"
        )


def _repeat_warnings(first: FirstPass) -> Iterator[str]:
    reasons = first.quarantine.reasons
    replaced, conflicting = reasons[REPLACED], reasons[DIFFERENT] + reasons[LABELS_DISAGREE]
    if conflicting:
        yield (
            f"{conflicting:,} rows share their id with another one that differs, and all of them were set aside: "
            "where a later delivery or a clearing counts, the preset must say so (repeats)"
        )
    if replaced:
        yield (
            f"{replaced:,} rows gave way to another one of their id (repeats); "
            f"{first.frauds_replaced:,} ids were fraud in a row that went and are not in the one that stays"
        )


def _warnings(
    plan: ColumnPlan, written: WrittenRows, spare_lines: int, *, aside: RowsSetAside | None
) -> tuple[str, ...]:
    silent = ", ".join(map(str, written.months.without_fraud()))
    absent = ", ".join(plan.absent)
    told: Sequence[tuple[object, str]] = (
        (unlike_kept(aside), unlike_kept(aside)),
        (one_class(written), one_class(written)),
        (absent, f"columns that the preset can use are not in the source: {absent}"),
        (silent, f"months with many labelled rows and no fraud at all, perhaps never labelled: {silent}"),
        (spare_lines, f"{spare_lines} lines of the source begin no record: blank, or inside a quoted value"),
    )
    return tuple(sentence for holds, sentence in told if holds)
