"""What a policy did with a row, and labels told apart by what they are worth."""

import numpy as np
import pyarrow as pa
import pytest

from features.schema.batch import canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.policy_columns import PolicyColumns, known_labels
from features.schema.preset import preset_from_dict

MOMENT = 1_710_000_000_000_000
POLICY = {name: {"column": name} for name in ("action", "label_source", "approval_probability")}
PRESET = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}} | POLICY


def read(columns, *, as_of=None, delay=0, opinions=("investigator", "rule"), **preset):
    rows = len(next(iter(columns.values())))
    stamps = pa.array([MOMENT] * rows).cast(pa.timestamp("us", "UTC"))
    raw = pa.table({"when": stamps, "amount": [1] * rows, "fraud": ["0"] * rows} | columns)
    found = preset_from_dict(PRESET | preset)
    reading = Reading(found, column_plan(found, raw.column_names), delay, as_of, None, opinions)
    return canonical_batch(raw, reading=reading, row_ids=np.arange(rows))


def test_a_blocked_row_has_no_outcome_whatever_the_file_says():
    columns = {"action": ["blocked", "blocked", "approved", None], "fraud": ["0", "1", "0", "1"]}
    batch = read(columns)
    assert batch.accepted["label"].to_pylist() == [None, None, 0, 1]
    assert batch.accepted["opinion"].to_pylist() == [None] * 4
    assert batch.accepted["label_available_at"].null_count == 2
    assert batch.counts["labels_masked: the row was blocked"] == 2


def test_an_investigators_label_is_kept_apart_from_chargebacks():
    columns = {
        "action": ["blocked", "approved", "approved", "blocked", "approved"],
        "label_source": ["Investigator", "investigator", "chargeback", "chargeback", ""],
        "fraud": ["1", "0", "1", "1", "0"],
    }
    accepted = read(columns).accepted
    assert accepted["label"].to_pylist() == [None, None, 1, None, 0]
    assert accepted["opinion"].to_pylist() == [1, 0, None, None, None]


def test_a_source_counts_as_truth_where_the_key_does_not_name_it():
    columns = {"label_source": ["investigator", "customer", "rule"], "fraud": ["1", "1", "0"]}
    assert read(columns, opinions=("rule",)).accepted["label"].to_pylist() == [1, 1, None]
    assert read(columns, opinions=()).accepted["opinion"].to_pylist() == [None] * 3


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"action": ["declined"]}, "action: must be approved/challenged/blocked, or blank where not known"),
        ({"approval_probability": ["0"]}, "approval_probability: must lie above 0 and not above 1"),
        ({"approval_probability": ["1.01"]}, "approval_probability: must lie above 0 and not above 1"),
        ({"approval_probability": ["often"]}, "approval_probability: must be a number or blank"),
        ({"action": ["approved"], "approval_probability": [0.0]}, "approval_probability: must lie above 0"),
        ({"label_source": ["Mrs Smith called: it was her son, 0123"]}, "label_source: must be a short word"),
    ],
)
def test_a_value_that_cannot_be_is_quarantined_with_its_reason(columns, reason):
    batch = read(columns)
    assert (batch.accepted.num_rows, batch.rejected.tolist()) == (0, [0])
    assert batch.reasons[0].as_py()[0].startswith(reason)


def test_a_blocked_row_may_have_had_no_chance_and_a_blank_is_not_known():
    columns = {"action": ["blocked", "blocked", "approved"], "approval_probability": ["0", "", "1"]}
    assert read(columns).accepted["approval_probability"].to_pylist() == [0.0, None, 1.0]


def test_a_preset_says_which_words_mean_which_action():
    words = {"column": "action", "approved": ["OK"], "blocked": ["declined", "stopped"]}
    batch = read({"action": ["ok", "Stopped", "declined", " "]}, action=words)
    assert batch.accepted["action"].to_pylist() == ["approved", "blocked", "blocked", None]
    with pytest.raises(ValueError, match="each text must mean one action, got twice: 'ok'"):
        preset_from_dict(PRESET | {"action": {"column": "a", "approved": ["ok"], "blocked": ["OK"]}})


def test_of_a_label_that_came_after_as_of_nobody_knows_the_source_or_the_opinion():
    columns = {"label_source": ["chargeback", "investigator"], "fraud": ["1", "1"]}
    accepted = read(columns, as_of=MOMENT + 5, delay=10).accepted
    for name in ("label", "label_source", "opinion"):
        assert accepted[name].to_pylist() == [None, None]


def test_a_source_without_a_policy_has_none_of_its_columns_and_none_is_missed():
    batch = read({"other": ["x"]})
    assert not {*POLICY, "opinion"} & {*batch.accepted.column_names}
    preset = preset_from_dict(PRESET)
    assert column_plan(preset, ["when", "amount", "fraud"]).absent == ()


def test_every_label_is_an_outcome_an_opinion_or_told_as_lost():
    rng = np.random.default_rng(3)
    label = rng.integers(-1, 2, 500).astype(np.int8)
    action = pa.array(rng.choice(["approved", "blocked"], 500))
    source = pa.array(rng.choice(["chargeback", "investigator", "customer"], 500))
    found = known_labels(label, PolicyColumns(action, source), opinions=("investigator",))
    both = (found.outcome >= 0) & (found.opinion >= 0)
    gone = (label >= 0) & (found.outcome < 0)
    told = np.any(list(found.masked.values()), axis=0)
    assert not both.any()
    assert (gone == told).all()
