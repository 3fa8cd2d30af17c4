"""Rows set aside, compared with rows kept: told always, and a stop where frauds go with them."""

from features.times import DAY, time_text
from pipeline.stages.artifacts.ingest_report import RowsSetAside
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.storage.errors import InputError

FEWEST_LOST = 1
"""So many frauds may go whatever their share: one bad row of a small file is no finding."""
SHOWN_REASONS = 6
UNLIKE, NOTED = 3.0, 0.01
"""A share is told as unlike that of all rows where it is so many times as large, and not below this."""


def check_lost_frauds(first: FirstPass, allowed: float) -> None:
    """Stop where more than this share of the frauds would be set aside, or the last one.

    Raises:
        InputError: by which reasons they would go.
    """
    aside, kept = first.aside, first.frauds
    lost = aside.frauds + aside.unread_labels
    total = kept + lost
    if not lost or (lost <= max(FEWEST_LOST, allowed * total) and kept):
        return
    unread = f", {aside.unread_labels:,} of them with a label that cannot be read" if aside.unread_labels else ""
    lines = [
        f"{lost:,} of {total:,} frauds would be lost with the rows set aside ({lost / total:.1%}{unread}), "
        f"data.max_lost_fraud_share allows {allowed:.1%}"
    ]
    quarantine = first.quarantine
    by_reason = aside.frauds_of.most_common(SHOWN_REASONS)
    lines += [
        f"  {quarantine.met(reason)} ({frauds:,} of {quarantine.reasons[reason]:,} rows like it are fraud)"
        for reason, frauds in by_reason
    ]
    if aside.unread_labels:
        labels = [reason for reason in quarantine.reasons if reason.startswith("label:")]
        lines += [f"  {quarantine.met(reason)} ({quarantine.reasons[reason]:,} rows like it)" for reason in labels]
    raise InputError("\n".join(lines))


def rows_set_aside(first: FirstPass) -> RowsSetAside | None:
    """What went into quarantine beside what stayed; None where nothing did."""
    aside = first.aside
    if not aside.rows:
        return None
    day, kept = first.newest_day()
    frauds, newest = aside.frauds + first.frauds, aside.days[day] + kept
    amount = aside.amount + first.amount
    return RowsSetAside(
        rows=aside.rows,
        of_rows=first.rows_in,
        frauds=aside.frauds,
        of_frauds=frauds,
        unread_labels=aside.unread_labels,
        amount_share=aside.amount / amount if amount else None,
        newest_day=time_text(day * DAY)[:10],
        newest_rows=aside.days[day],
        of_newest_rows=newest,
    )


def set_aside_line(found: RowsSetAside) -> str:
    """The comparison in one sentence."""
    parts = [f"{found.frauds:,} of {found.of_frauds:,} frauds{_percent(found.frauds, found.of_frauds)}"]
    if found.unread_labels:
        parts.append(f"{found.unread_labels:,} labels that cannot be read")
    if found.amount_share is not None:
        parts.append(f"about {found.amount_share:.1%} of the amount")
    newest = f"{found.newest_rows:,} of {found.of_newest_rows:,} rows of the newest day"
    parts.append(f"{newest} ({found.newest_day})")
    rows = f"{found.rows:,} of {found.of_rows:,} rows{_percent(found.rows, found.of_rows)}"
    return f"set aside: {rows} with {', '.join(parts[:-1])} and {parts[-1]}"


def unlike_kept(found: RowsSetAside | None) -> str:
    """In which respects the rows set aside are unlike those kept, in words; empty where in none."""
    if found is None or not found.of_rows:
        return ""
    share = found.rows / found.of_rows
    compared = {
        "frauds": found.frauds / found.of_frauds if found.frauds > FEWEST_LOST else 0.0,
        "labels that cannot be read": found.unread_labels / found.of_rows,
        "large amounts": found.amount_share or 0.0,
        "rows of the newest day": found.newest_rows / found.of_newest_rows if found.of_newest_rows > 1 else 0.0,
    }
    limit = max(UNLIKE * share, NOTED)
    apart = [name for name, part in compared.items() if part > limit]
    if found.unread_labels > FEWEST_LOST and "labels that cannot be read" not in apart:
        apart.append("labels that cannot be read")
    return f"{set_aside_line(found)}: no random sample, but {' and '.join(apart)}" if apart else ""


def _percent(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""
