"""The rows of an outcome file with the probabilities that a bundle gives them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.statistics.approval import PolicyRows, approval_weights
from evaluation.statistics.populations import JudgedRows
from features.split import LabelsConfig
from pipeline.bundle.score import read_features
from pipeline.bundle.scorer import Scorer
from pipeline.bundle.twin import TWIN
from pipeline.outcomes.outcome_file import OutcomeColumns, column_names, outcome_columns

LARGEST_GROUPING = 100
"""How many values a categorical column may have to be judged value by value."""
SAME_PROBABILITY = 1e-4
"""Two probabilities that differ by no more are those of one model: a file may have rounded them."""


@dataclass(frozen=True)
class Outcomes:
    """Rows whose outcome may have become known.

    Attributes:
        rows: labels (NaN: not known), times, amounts, cards, groups.
        blocked: the transaction was stopped, so that its label is an opinion [N].
        policy: what a policy did with the rows; None where the file has neither actions nor approval probabilities.
        probabilities: P(fraud) by the bundle [N].
        judged: P(fraud) by the judged twin of the bundle's refit [N]; None where it has none.
        remarks: what a reader must know of the file.
        timed: whether the file says when each transaction happened.
    """

    rows: JudgedRows
    blocked: np.ndarray
    policy: PolicyRows | None
    probabilities: np.ndarray
    judged: np.ndarray | None
    remarks: tuple[str, ...]
    timed: bool


@dataclass(frozen=True)
class _Scored:
    probabilities: np.ndarray
    groups: dict[str, np.ndarray]
    judged: np.ndarray | None = None
    remarks: tuple[str, ...] = ()


def scored_outcomes(path: Path, scorer: Scorer, *, labels: LabelsConfig, threads: int) -> Outcomes:
    """An outcome file, scored; labels that are opinions count as not known.

    Raises:
        InputError: it cannot be read, lacks columns, or holds values that cannot be: every fault, counted.
    """
    columns = outcome_columns(path)
    scored = _scored(path, scorer, columns, threads=threads)
    no_amounts = ("the file has no amounts: statistics of value and cost are without meaning",)
    return Outcomes(
        rows=_judged_rows(columns, scored.groups, labels),
        blocked=columns.blocked,
        policy=_policy_rows(columns, cap=labels.approval_cap),
        probabilities=scored.probabilities,
        judged=scored.judged,
        remarks=(
            *columns.remarks,
            *scored.remarks,
            *(no_amounts if columns.amount is None else ()),
            *_opinions(columns, labels),
        ),
        timed=columns.event_time is not None,
    )


def _scored(path: Path, scorer: Scorer, columns: OutcomeColumns, *, threads: int) -> _Scored:
    """The bundle's probabilities; those of the file where it lacks columns that the bundle needs."""
    given = columns.probability
    if given is not None and not set(scorer.signature.inputs) <= set(column_names(path)):
        remark = "the probabilities are those of the file: it lacks columns of the graph, so they were not checked"
        return _Scored(given, {}, columns.judged, (remark,))
    features = read_features(path, scorer.signature)
    said = scorer.probabilities(features, threads=threads)
    probabilities, judged = said["probability"], said.get(TWIN)
    groups = _groups(features, scorer.signature.categorical)
    differing = 0 if given is None else int((np.abs(given - probabilities) > SAME_PROBABILITY).sum())
    if not differing:
        return _Scored(probabilities, groups, judged)
    remark = f"{differing:,} rows have another probability in the file than the bundle gives, which is what was judged"
    return _Scored(probabilities, groups, judged, (remark,))


def _groups(features: pa.Table, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The categorical columns with few values, as text."""
    columns = {name: pc.fill_null(pc.cast(features[name], pa.string()), "(missing)") for name in names}
    small = {name: column for name, column in columns.items() if len(pc.unique(column)) <= LARGEST_GROUPING}
    return {name: column.to_numpy().astype(str) for name, column in small.items()}


def _is_opinion(columns: OutcomeColumns, labels: LabelsConfig) -> np.ndarray:
    if columns.label_source is None:
        return np.zeros(len(columns.label), np.bool_)
    opinion: np.ndarray = np.isin(columns.label_source, labels.opinions) & np.isfinite(columns.label)
    return opinion


def _opinions(columns: OutcomeColumns, labels: LabelsConfig) -> tuple[str, ...]:
    rows = int((_is_opinion(columns, labels) & ~columns.blocked).sum())
    named = ", ".join(labels.opinions)
    return (f"{rows:,} labels are opinions (labels.opinions: {named}) and are not judged by",) if rows else ()


def _policy_rows(columns: OutcomeColumns, *, cap: float) -> PolicyRows | None:
    if columns.challenged is None and columns.approval_probability is None:
        return None
    passed = "" if columns.challenged is None else "approved"
    challenged = np.zeros_like(columns.blocked) if columns.challenged is None else columns.challenged
    action = np.select([columns.blocked, challenged], ["blocked", "challenged"], passed)
    probability = columns.approval_probability
    return PolicyRows(action, np.full(len(action), np.nan) if probability is None else probability, cap)


def _judged_rows(columns: OutcomeColumns, groups: dict[str, np.ndarray], config: LabelsConfig) -> JudgedRows:
    rows, probability = len(columns.label), columns.approval_probability
    return JudgedRows(
        labels=np.where(_is_opinion(columns, config), np.nan, columns.label),
        event_time=columns.event_time if columns.event_time is not None else np.zeros(rows, np.int64),
        amount=columns.amount if columns.amount is not None else np.zeros(rows),
        card=columns.card,
        groups=groups,
        weight=None if probability is None else approval_weights(probability, cap=config.approval_cap).weight,
    )
