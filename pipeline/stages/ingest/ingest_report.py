"""What the ingest stage says about its data: where every row went, what was changed, what looks wrong."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.duplicates import DIFFERENT, IDENTICAL, LABELS_DISAGREE
from features.schema.preset import Preset
from features.schema.silent_months import MonthlyLabels
from pipeline.stages.ingest.first_pass import Intake
from pipeline.stages.ingest.inputs import Input
from pipeline.storage.digests import TableDigest


class Summary:
    """Counts over the accepted rows as they are written."""

    def __init__(self) -> None:
        self.rows = 0
        self.masked: Counter[str] = Counter()
        self.nulls: Counter[str] = Counter()
        self.kinds: dict[str, str] = {}
        self.digest = TableDigest()
        self.labels: Counter[int] = Counter()
        self.months = MonthlyLabels()
        self.first = self.last = 0

    def add(self, chunk: pa.Table) -> None:
        """Take in the next rows, in their final order."""
        times, labels = chunk["event_time"].cast(pa.int64()).to_numpy(), pc.fill_null(chunk["label"], -1).to_numpy()
        self.first, self.last = self.first if self.rows else int(times[0]), int(times[-1])
        self.rows += chunk.num_rows
        self.labels.update({value: int((labels == value).sum()) for value in (-1, 0, 1)})
        self.months.add(times, labels)
        self.kinds = {field.name: str(field.type) for field in chunk.schema}
        self.nulls.update({name: _missing(chunk[name]) for name in chunk.column_names})
        self.digest.update(chunk)


def ingest_report(
    preset: Preset, inputs: Sequence[Input], intake: Intake, summary: Summary, as_of: int | None
) -> dict[str, object]:
    """The stage's report; plain JSON types, nothing of the machine or the clock.

    Args:
        preset: the job's preset.
        inputs: what was read.
        intake: counts of the first pass.
        summary: counts over the rows written.
        as_of: microseconds since 1970, or None.
    """
    if intake.rows_in != summary.rows + intake.quarantined:
        raise RuntimeError(
            f"{intake.rows_in} rows in, but {summary.rows} accepted and {intake.quarantined} quarantined"
        )
    plan, counts = inputs[0].plan, intake.counts
    frauds, legitimate = summary.labels[1], summary.labels[0]
    silent = [str(month) for month in summary.months.without_fraud()]
    masked = {reason.removeprefix(MASKED): count for reason, count in counts.items() if reason.startswith(MASKED)}
    for reason, count in summary.masked.items():
        masked[reason] = masked.get(reason, 0) + count
    return {
        "rows_in": intake.rows_in,
        "accepted": summary.rows,
        "quarantined": intake.quarantined,
        "rows_after_as_of": intake.after_as_of,
        "as_of": None if as_of is None else _iso(as_of),
        "files": dict(intake.rows_of),
        "lines_without_a_record": intake.spare_lines,
        "reasons": dict(sorted(intake.reasons.items())),
        "columns": {
            "used": dict(plan.columns),
            "absent": list(plan.absent),
            "ignored": list(plan.ignored),
            "dropped_leaks": list(plan.leaks),
            "dropped_personal": list(plan.personal),
            "types": summary.kinds,
            "nulls": dict(summary.nulls),
        },
        "duplicates": {
            "identical": intake.reasons[IDENTICAL],
            "conflicting": intake.reasons[DIFFERENT] + intake.reasons[LABELS_DISAGREE],
        },
        "amounts_rounded": counts["amounts_rounded"],
        "refunds": counts["refunds"],
        "times_without_zone": counts["naive_times"],
        "labels": {
            "fraud": frauds,
            "legitimate": legitimate,
            "unknown": summary.labels[-1],
            "prevalence": frauds / (frauds + legitimate) if frauds + legitimate else None,
            "fraud_not_yet_available": counts["fraud_labels_not_yet_available"],
            "legitimate_not_yet_available": counts["legitimate_labels_not_yet_available"],
            "masked": masked,
        },
        "from": _iso(summary.first),
        "to": _iso(summary.last),
        "warnings": _warnings(plan.absent, silent, intake.spare_lines),
        "digest": summary.digest.hexdigest(),
    }


MASKED = "labels_masked: "


def _warnings(absent: Sequence[str], silent: Sequence[str], spare_lines: int) -> list[str]:
    found = []
    if absent:
        found.append(f"columns that the preset can use are not in the source: {', '.join(absent)}")
    if silent:
        found.append(f"months with many labelled rows and no fraud at all, perhaps never labelled: {', '.join(silent)}")
    if spare_lines:
        found.append(f"{spare_lines} lines of the source begin no record: blank, or inside a quoted value")
    return found


def _missing(column: pa.ChunkedArray) -> int:
    nan = pc.sum(pc.is_nan(column)).as_py() or 0 if pa.types.is_floating(column.type) else 0
    return int(column.null_count + nan)


def _iso(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()
