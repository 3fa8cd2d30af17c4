"""What ingest says about its data: where every row went, what was changed, what looks wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pipeline.stages.artifacts.report_files import OffsetTime, WrittenReport


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
        amount_scale: minor units per unit of amount.
        policy: actions and sources of labels; None where the source says neither.
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
    joined: JoinedCounts | None = None

    def to_dict(self) -> dict[str, Any]:
        """What the file holds; the secret's check, the policy and a join are there only where the source has them."""
        content = super().to_dict()
        for name in ("card_id_hash_key_check", "policy", "joined"):
            if content[name] is None:
                del content[name]
        return content


def prevalence(fraud: int, legitimate: int) -> float | None:
    """Share of fraud among the rows of known label; None where there is none."""
    return fraud / (fraud + legitimate) if fraud + legitimate else None
