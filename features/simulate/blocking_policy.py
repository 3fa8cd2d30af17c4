"""The scenario "censored": an earlier policy blocks what it thinks worst, and with the rows their labels are lost.

The policy sees the true log odds through noise, about as sharply as a trained model does. What it would block is let
through now and then with a probability that is logged, so that the labels of all rows can still be estimated.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.simulate.population import Floats, Ints

BLUR = 3.0
"""Standard deviation of the noise on the log odds that the policy sees; its average precision is then .55."""
BLOCKED_SHARE = 0.01
"""Share of the rows, those of highest score, that the policy would block."""
CHALLENGED_SHARE = 0.02
"""Share of the rows, the next ones, that it asks to confirm; they go on, and keep their labels."""
EXPECTED_LOSS = 3.0
"""What a row that would be blocked may lose on average by being let through, in units of the amounts."""
LEAST, MOST = 0.04, 0.5
"""Least and greatest probability with which a row that would be blocked is let through."""
REVIEWED = 0.15
"""Share of the blocked rows that an investigator looks at."""
OPINION_RIGHT = 0.85
"""How often the investigator's opinion is what the label would have been."""

APPROVED, CHALLENGED, BLOCKED = "approved", "challenged", "blocked"


@dataclass(frozen=True)
class Decisions:
    """What the policy did with N rows.

    Attributes:
        action: code into `ACTIONS` [N].
        approval_probability: with which it let the row through, 1 where it would not block it [N].
    """

    action: Ints
    approval_probability: Floats


ACTIONS = (APPROVED, CHALLENGED, BLOCKED)


def decisions(true_probability: Floats, amount: Floats, *, rng: np.random.Generator) -> Decisions:
    """What the policy does with each row.

    A row that it would block is let through with probability `EXPECTED_LOSS` / (p · amount), at least `LEAST` and at
    most `MOST`: what is worth much and looks bad is risked least, and nothing is blocked with certainty.

    Args:
        true_probability: P(label = 1), inside (0, 1) [N].
        amount: major units [N].
        rng: source of the noise and of the exploration.
    """
    logits = np.log(true_probability) - np.log1p(-true_probability) + rng.normal(0.0, BLUR, true_probability.size)
    from_blocked, from_challenged = np.quantile(logits, [1.0 - BLOCKED_SHARE, 1.0 - BLOCKED_SHARE - CHALLENGED_SHARE])
    would_block = logits > from_blocked
    believed = 1.0 / (1.0 + np.exp(-logits))
    explored = np.clip(EXPECTED_LOSS / np.maximum(believed * amount, 1e-9), LEAST, MOST)
    probability = np.where(would_block, explored, 1.0)
    blocked = rng.random(probability.size) >= probability
    action = np.where(blocked, 2, np.where(~would_block & (logits > from_challenged), 1, 0))
    return Decisions(action.astype(np.int64), probability)


def censored_transactions(table: pa.Table, decided: Decisions, *, rng: np.random.Generator) -> pa.Table:
    """The transactions as the bank knows them after the policy: labels of blocked rows are lost.

    Of some blocked rows an investigator gives an opinion, which stands in the label column as it does in many a file;
    `label_source` tells it from a chargeback, and it is wrong now and then.
    """
    blocked = decided.action == ACTIONS.index(BLOCKED)
    true = table["label"].to_numpy()
    reviewed = blocked & (rng.random(true.size) < REVIEWED)
    opinion = np.where(rng.random(true.size) < OPINION_RIGHT, true, 1 - true)
    known = ~blocked | reviewed
    label = pa.array(np.where(reviewed, opinion, true).astype(np.int8), mask=~known)
    source = np.where(reviewed, "investigator", np.where(~blocked & (true == 1), "chargeback", ""))
    available = table["label_available_at"].combine_chunks()
    columns = {
        "label": label,
        "label_available_at": pa.array(available.cast(pa.int64()).to_numpy(), mask=~known).cast(available.type),
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return (
        table.append_column("action", pa.array(np.array(ACTIONS)[decided.action]))
        .append_column("label_source", pa.array(source, mask=source == ""))
        .append_column("approval_probability", pa.array(decided.approval_probability))
    )
