"""The rows of an outcome file with the probabilities that a bundle gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.statistics.approval import PolicyRows, approval_weights
from evaluation.statistics.populations import JudgedRows
from features.split import LabelsConfig
from pipeline.bundle.score import read_features
from pipeline.bundle.scorer import Scorer
from pipeline.bundle.signature import feature_arrays
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
        columns: the graph's columns that were scored, by name [N]; none where the probabilities are the file's own.
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
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class _Scored:
    probabilities: np.ndarray
    groups: dict[str, np.ndarray]
    judged: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


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
        columns=scored.columns,
    )


def pooled(parts: Sequence[Outcomes]) -> Outcomes:
    """Files of outcomes as one: rows one after the other, what only some of them hold left out.

    Args:
        parts: of files that one bundle scored, at least one.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    policies = [each.policy for each in parts if each.policy is not None]
    judged = [each.judged for each in parts if each.judged is not None]
    shared = [name for name in first.columns if all(name in each.columns for each in parts)]
    return Outcomes(
        rows=_pooled_rows([each.rows for each in parts]),
        blocked=np.concatenate([each.blocked for each in parts]),
        policy=_pooled_policy(policies) if len(policies) == len(parts) else None,
        probabilities=np.concatenate([each.probabilities for each in parts]),
        judged=np.concatenate(judged) if len(judged) == len(parts) else None,
        remarks=tuple(dict.fromkeys(remark for each in parts for remark in each.remarks)),
        timed=all(each.timed for each in parts),
        columns={name: np.concatenate([each.columns[name] for each in parts]) for name in shared},
    )


def _pooled_rows(parts: Sequence[JudgedRows]) -> JudgedRows:
    cards = [each.card for each in parts if each.card is not None]
    names = [name for name in parts[0].groups or {} if all(name in (each.groups or {}) for each in parts)]
    weights = [np.ones(each.labels.size) if each.weight is None else each.weight for each in parts]
    return JudgedRows(
        labels=np.concatenate([each.labels for each in parts]),
        event_time=np.concatenate([each.event_time for each in parts]),
        amount=np.concatenate([each.amount for each in parts]),
        card=np.concatenate(cards) if len(cards) == len(parts) else None,
        groups={name: np.concatenate([(each.groups or {})[name] for each in parts]) for name in names},
        weight=None if all(each.weight is None for each in parts) else np.concatenate(weights),
    )


def _pooled_policy(parts: Sequence[PolicyRows]) -> PolicyRows:
    return PolicyRows(
        np.concatenate([each.action for each in parts]),
        np.concatenate([each.approval_probability for each in parts]),
        parts[0].cap,
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
    columns_seen = {name: values[:, 0] for name, values in feature_arrays(features, scorer.signature).items()}
    differing = 0 if given is None else int((np.abs(given - probabilities) > SAME_PROBABILITY).sum())
    if not differing:
        return _Scored(probabilities, groups, judged, columns=columns_seen)
    remark = f"{differing:,} rows have another probability in the file than the bundle gives, which is what was judged"
    return _Scored(probabilities, groups, judged, (remark,), columns_seen)


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
