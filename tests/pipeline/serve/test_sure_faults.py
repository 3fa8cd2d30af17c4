"""What is told at once to be wrong is refused by the reading of files too."""

from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.one_row import judged_row
from features.times import DAY
from pipeline.sections import DataConfig
from pipeline.serve.sure_faults import sure_faults
from pipeline.stages.ingest.preset_files import load_preset

HARBOR = load_preset(DataConfig()).of_live_rows(())
VALUES = {
    "transaction_id": ["t1", 7, "", None, 1.0, 1.5, 1e29, 2**63, 2**64 - 1, -(2**63)],
    "event_time": [
        "2024-03-01T08:00:00Z", "2024-03-01T08:00:00+02:00", "20240301", "4111111111111111", "soon", "", None, 5, 1.5,
        "x" * 80, "20240301T080000Z", "2024-03-01",
    ],
    "amount": ["10.25", 10.25, 10, -1, -0.5, 0, -0.0, "abc", "-", "", None, "(5)", "٣", 1e300, 10**20, 10**15, "+5"],
    "card_id": ["c1", None, "", 4111, 1.0, 2.5, 2**63, 2**70, -5],
    "merchant_id": ["m1", 3.0, 1e18, None],
}  # fmt: skip
ROWS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


@settings(deadline=None, max_examples=150)
@given(row=ROWS)
def test_every_sure_fault_is_a_fault_of_the_same_field_as_files_are_read(row):
    plan = column_plan(HARBOR, list(row))
    reasons = judged_row(row, Reading(HARBOR, plan, 7 * DAY)).reasons
    faulty = {reason.partition(": ")[0] for reason in reasons}
    assert {name for name, _ in sure_faults(row, plan.columns)} <= faulty


def test_the_commonest_faults_are_sure():
    row = {"transaction_id": 1.5, "event_time": "soon", "amount": "abc", "card_id": 2.5, "merchant_id": "m"}
    columns = {name: name for name in row}
    assert [name for name, _ in sure_faults(row, columns)] == ["transaction_id", "event_time", "amount", "card_id"]
