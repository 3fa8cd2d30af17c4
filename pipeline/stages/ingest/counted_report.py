"""The report of an ingest, from the counts of its two passes."""

from collections.abc import Iterator, Mapping, Sequence

from features.schema.column_plan import ColumnPlan
from features.schema.duplicates import DIFFERENT, IDENTICAL, LABELLED, LABELS_DISAGREE, REPLACED
from features.schema.preset import CANONICAL, Preset
from features.times import DAY
from pipeline.stages.artifacts.ingest_report import (
    Duplicates,
    IngestedColumns,
    IngestReport,
    JoinedCounts,
    LabelCounts,
    PolicyCounts,
    SourceCounts,
    prevalence,
)
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.side_table import SideTable, join_warnings
from pipeline.stages.ingest.written_rows import FEW_HOURS, WrittenRows

FEW_DAYS = 3 * DAY
"""A file that is no longer may well be of one hour a day."""

MASKED = "labels_masked: "
"""What the name of a count begins with where reading itself made labels unknown; the reason follows."""


def counted_report(
    preset: Preset,
    plan: ColumnPlan,
    first: FirstPass,
    written: WrittenRows,
    *,
    side: SideTable | None = None,
    as_of: int | None,
    hash_key_check: str | None,
) -> IngestReport:
    """The stage's report.

    Args:
        preset: how the source was read.
        plan: which source column filled which role.
        first: counts of the first pass.
        written: counts over the rows written.
        side: what was joined to the rows; None where nothing was.
        as_of: microseconds since 1970, or None.
        hash_key_check: tells one secret for card ids from another.

    Raises:
        RuntimeError: a row is lost: neither accepted nor quarantined.
    """
    quarantine, counts = first.quarantine, first.counts
    if first.rows_in != written.rows + quarantine.count:
        raise RuntimeError(f"{first.rows_in} rows in, but {written.rows} accepted and {quarantine.count} quarantined")
    further = {name: kind for name, kind in written.types.items() if name not in {*CANONICAL, *preset.entities}}
    return IngestReport(
        rows_in=first.rows_in,
        accepted=written.rows,
        quarantined=quarantine.count,
        rows_after_as_of=first.after_as_of,
        as_of=as_of,
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
            *_warnings(plan, written, first.spare_lines),
            *_value_warnings(preset, written),
            *_repeat_warnings(first),
            *_join_warnings(side, written),
        ),
        digest=written.digest.hexdigest(),
        card_id_hash_key_check=hash_key_check,
        categorical=tuple(name for name, kind in further.items() if kind == "string"),
        numeric=tuple(name for name, kind in further.items() if kind != "string"),
        entities=tuple(name for name in preset.entities if name in written.types),
        amount_scale=preset.amount.scale,
        policy=_policy(written),
        joined=None if side is None else _joined(side),
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


def _policy(written: WrittenRows) -> PolicyCounts | None:
    if not written.actions and not written.sources:
        return None
    return PolicyCounts(
        actions=dict(sorted(written.actions.items())),
        outcomes=_by_source(written, "label"),
        opinions=_by_source(written, "opinion"),
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
    of_days = (time.kind in ("epoch", "elapsed") and time.unit % DAY == 0) or (time.kind == "parts" and not time.time)
    if len(written.hours) <= FEW_HOURS and written.last - written.first > FEW_DAYS and not of_days:
        yield (
            "all times lie in one hour of the day, so rows of one day hardly see one another: does the time of day "
            "stand in another column (event_time.time), or is it HHMM (formats)?"
        )
    for name, sample in written.values.items():
        yield from sample.id_warnings(name) if name in preset.entities else sample.case_warnings(name)


def _join_warnings(side: SideTable | None, written: WrittenRows) -> Iterator[str]:
    if side is None:
        return
    yield from join_warnings(side)
    if written.labels[1] and not written.labels[0] and written.labels[-1]:
        yield (
            "all labels are fraud and all other rows have none: where a transaction that the joined file does not name "
            'is legitimate, the preset must say label.absent = "no"'
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


def _warnings(plan: ColumnPlan, written: WrittenRows, spare_lines: int) -> tuple[str, ...]:
    silent = ", ".join(map(str, written.months.without_fraud()))
    absent = ", ".join(plan.absent)
    told: Sequence[tuple[object, str]] = (
        (absent, f"columns that the preset can use are not in the source: {absent}"),
        (silent, f"months with many labelled rows and no fraud at all, perhaps never labelled: {silent}"),
        (spare_lines, f"{spare_lines} lines of the source begin no record: blank, or inside a quoted value"),
    )
    return tuple(sentence for holds, sentence in told if holds)
