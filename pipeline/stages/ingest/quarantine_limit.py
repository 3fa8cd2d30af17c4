"""When ingest stops: no row at all, or so many bad ones that the preset or the file is wrong, not the rows."""

from features.schema.batch import CURRENCY
from features.schema.duplicates import LABELLED, REPLACED
from features.schema.preset import Preset
from features.times import time_text
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.storage.errors import InputError

SHOWN_REASONS = 12


def check_some_rows(first: FirstPass, as_of: int | None) -> None:
    """Stop on a source without a row up to as-of (microseconds since 1970).

    Raises:
        InputError: there is none.
    """
    if first.rows_in == 0 and first.after_as_of and as_of is not None:
        moment = time_text(as_of).replace("Z", "+00:00")
        raise InputError(f"data.source must hold rows up to {moment}, all {first.after_as_of:,} rows lie after it")
    if first.rows_in == 0:
        raise InputError(f"data.source must hold at least one row, got 0 in {', '.join(first.rows_of)}")


def check_currencies(first: FirstPass, preset: Preset) -> None:
    """Stop on amounts of several currencies that no rates make one: their sums would mean nothing.

    Raises:
        InputError: there are several.
    """
    found = sorted(name.removeprefix(CURRENCY) for name in first.counts if name.startswith(CURRENCY))
    if len(found) < 2 or (preset.currency is not None and preset.currency.rates):
        return
    shown = ", ".join(found[:SHOWN_REASONS])
    raise InputError(
        f"amounts must be in one currency, got {len(found)} ({shown}): the preset's section currency can name a table "
        "of rates, or say with converted = true that all amounts are in the target already"
    )


def check_quarantined_share(first: FirstPass, allowed: float) -> None:
    """Stop where more than this share of the rows is bad, or every one.

    Raises:
        InputError: the most frequent reasons, each with the first row that it was met in.
    """
    quarantine = first.quarantine
    # That another row of its id counts, or knows more, is no fault of a row.
    bad = quarantine.count - quarantine.reasons[REPLACED] - quarantine.reasons[LABELLED]
    share = bad / first.rows_in
    if share <= allowed and bad < first.rows_in:
        return
    lines = [
        f"{bad:,} of {first.rows_in:,} rows cannot be used ({share:.1%}), "
        f"data.max_quarantined_share allows {allowed:.1%}"
    ]
    for reason, count in sorted(quarantine.reasons.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_REASONS]:
        met = quarantine.first[reason]
        got = f", got {met.value}" if met.value else ""
        lines.append(f"  {reason}{got} in row {met.row} of {met.file} ({count:,} rows like it)")
    if len(quarantine.reasons) > SHOWN_REASONS:
        lines.append(f"  and {len(quarantine.reasons) - SHOWN_REASONS} more reasons")
    raise InputError("\n".join(lines))
