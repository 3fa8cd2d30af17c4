"""What ingest says about its data: where every row went, what was changed, what looks wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from pipeline.stages.artifacts.report_files import OffsetTime, WrittenReport

SHOWN_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class IngestedColumns:
    """What became of the source's columns.

    Attributes:
        used: the source column of each role.
        absent: columns that the preset can use and the source lacks.
        ignored: source columns that nobody named.
        dropped_leaks: source columns that know the outcome.
        dropped_personal: source columns with personal data.
        types: Arrow type of each column written.
        nulls: empty or NaN values in each column written.
    """

    used: Mapping[str, str]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]
    dropped_leaks: tuple[str, ...]
    dropped_personal: tuple[str, ...]
    types: Mapping[str, str]
    nulls: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Rows set aside because their id came twice.

    Attributes:
        identical: the same row again.
        conflicting: another one under that id.
        labelled_later: the same row came again with a label that it did not have yet.
        replaced: the preset's `repeats` says that another one counts.
    """

    identical: int
    conflicting: int
    labelled_later: int = 0
    replaced: int = 0


@dataclass(frozen=True, kw_only=True)
class JoinedCounts:
    """What found a partner in the joined file.

    Attributes:
        rows: transactions that were looked up, those of them `with_partner`.
        keys: of the joined file, those of them that are of no transaction.
    """

    rows: int
    with_partner: int
    keys: int
    keys_without_transaction: int


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """Accepted rows by label.

    Attributes:
        prevalence: share of fraud among the known labels; None where none is known.
        fraud_not_yet_available: labels that came after as-of and are unknown therefore, of these the frauds.
        masked: labels made unknown, by reason.
    """

    fraud: int
    legitimate: int
    unknown: int
    prevalence: float | None
    fraud_not_yet_available: int
    legitimate_not_yet_available: int
    masked: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class RowsSetAside:
    """The rows in quarantine beside all rows.

    Attributes:
        rows: set aside, of `of_rows` up to as-of.
        frauds: known frauds among them, of `of_frauds`; a repeat of a row that stayed loses none.
        unread_labels: rows whose only fault is a label that cannot be read.
        amount_share: of the money, roughly where an amount could not be read; None where there is none.
        newest_day: of all rows; `newest_rows` of its `of_newest_rows` were set aside.
    """

    rows: int
    of_rows: int
    frauds: int
    of_frauds: int
    unread_labels: int
    amount_share: float | None
    newest_day: str
    newest_rows: int
    of_newest_rows: int


@dataclass(frozen=True, kw_only=True)
class SourceCounts:
    """Labels that one source gave, by value."""

    fraud: int
    legitimate: int


@dataclass(frozen=True, kw_only=True)
class PolicyCounts:
    """What the source says of its policy; an empty name is "not said".

    Attributes:
        actions: rows by what was done with them.
        outcomes: labels that count as truth, by who gave them.
        opinions: labels that do not, kept apart in the column `opinion`, by who gave them.
    """

    actions: Mapping[str, int]
    outcomes: Mapping[str, SourceCounts]
    opinions: Mapping[str, SourceCounts]


@dataclass(frozen=True, kw_only=True)
class ChargebackCounts:
    """What became of a chargeback feed: every row of it up to as-of has a place.

    Attributes:
        rows: of the feed up to as-of.
        quarantined: of these, set aside with a reason.
        after_as_of: rows of later reports.
        repeats: rows that said what stood already.
        contradictions: rows that another one of the same transaction and moment overruled.
        transactions: reported ones that are among the transactions.
        unknown_transactions: reported ones that are not.
        changed: accepted rows of which an earlier outcome holds no more.
        reasons: rows in quarantine by reason.
    """

    rows: int
    quarantined: int
    after_as_of: int
    repeats: int
    contradictions: int
    transactions: int
    unknown_transactions: int
    changed: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class IngestReport(WrittenReport):
    """ingest/report.json: the same for the same inputs, with nothing in it of the machine or the clock.

    Every row of the source up to as-of has one place: `rows_in == accepted + quarantined`.

    Attributes:
        as_of: microseconds since 1970, or None.
        files: records of each source file.
        reasons: rows in quarantine by reason.
        start: event_time of the first accepted row, microseconds since 1970.
        end: event_time of the last one.
        digest: of all values of the accepted rows.
        card_id_hash_key_check: tells one secret for card ids from another; None where they are not hashed.
        categorical: further columns of the preset that are categories.
        numeric: further columns that are numbers.
        entities: id columns that the table has.
        entities_absent: id columns that the preset knows and the source lacks.
        amount_scale: minor units per unit of amount.
        policy: actions and sources of labels; None where the source says neither.
        chargebacks: of a feed of their own; None where the preset has none.
        tables: id and version of each table that was read, by its name in `files`; none where files were.
        set_aside: what the quarantined rows were; None where there are none.
        joined: what found a partner in a joined file; None where nothing is joined.
    """

    rows_in: int
    accepted: int
    quarantined: int
    rows_after_as_of: int
    as_of: OffsetTime | None
    files: Mapping[str, int]
    lines_without_a_record: int
    reasons: Mapping[str, int]
    columns: IngestedColumns
    duplicates: Duplicates
    amounts_rounded: int
    refunds: int
    times_without_zone: int
    labels: LabelCounts
    start: Annotated[OffsetTime, Field(alias="from")]
    end: Annotated[OffsetTime, Field(alias="to")]
    warnings: tuple[str, ...]
    digest: str
    card_id_hash_key_check: str | None = None
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    entities: tuple[str, ...]
    amount_scale: int
    policy: PolicyCounts | None = None
    entities_absent: tuple[str, ...] = ()
    set_aside: RowsSetAside | None = None
    joined: JoinedCounts | None = None
    chargebacks: ChargebackCounts | None = None
    tables: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What the file holds; what only some sources have is there only where they do."""
        content = super().to_dict()
        for name in ("card_id_hash_key_check", "policy", "joined", "chargebacks"):
            if content[name] is None:
                del content[name]
        if not content["tables"]:
            del content["tables"]
        return content


def prevalence(fraud: int, legitimate: int) -> float | None:
    """Share of fraud among the rows of known label; None where there is none."""
    return fraud / (fraud + legitimate) if fraud + legitimate else None


def rate_text(report: IngestReport) -> str:
    """The fraud rate of the known labels, in words."""
    prevalence = report.labels.prevalence
    return "no labels" if prevalence is None else f"{prevalence:.2%} fraud"


def reasons_text(report: IngestReport) -> str:
    """The most frequent reasons for which rows were set aside; empty where none was."""
    found = sorted(report.reasons.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} × {reason}" for reason, count in found[:SHOWN_REASONS]]
    rest = len(found) - len(told)
    return "; ".join([*told, *([f"{rest} more reason{'s' * (rest > 1)}"] if rest else [])])
