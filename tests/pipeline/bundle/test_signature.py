"""What a graph takes: written and read back, and a table turned into its inputs or refused by column."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle.signature import Signature, feature_arrays

SIGNATURE = Signature(("amount", "age"), ("country",), ("probability", "mlp"), frozenset({"age"}))


def table(**columns: object) -> pa.Table:
    values = {"amount": pa.array([1.5, None]), "age": pa.array([3, 4]), "country": pa.array(["NL", None])}
    return pa.table(values | columns)


def test_a_signature_reads_back_as_it_was_written() -> None:
    assert Signature.from_dict(SIGNATURE.to_dict()) == SIGNATURE


@pytest.mark.parametrize(
    ("inputs", "outputs", "fault"),
    [
        (None, [{"name": "probability"}], "list inputs"),
        (["x"], [{"name": "probability"}], "list inputs"),
        ([{"name": "x", "kind": "numeric"}], [{"name": "probability"}], "list inputs"),
        ([], ["probability"], "list inputs"),
        ([{"name": "x", "kind": "tensor", "optional": True}], [{"name": "probability"}], "numeric or categorical"),
        ([{"name": "x", "kind": [], "optional": True}], [{"name": "probability"}], "numeric or categorical"),
        ([], [{"name": "mlp"}], "the output 'probability'"),
    ],
)
def test_values_that_are_no_signature_are_refused(inputs: object, outputs: object, fault: str) -> None:
    with pytest.raises(ValueError, match=rf"signature\.json must .*{fault}"):
        Signature.from_dict({"inputs": inputs, "outputs": outputs})


def test_nulls_become_nan_and_the_empty_string() -> None:
    arrays = feature_arrays(table(), SIGNATURE)
    assert {name: array.shape for name, array in arrays.items()} == dict.fromkeys(SIGNATURE.inputs, (2, 1))
    np.testing.assert_array_equal(arrays["amount"], np.array([[1.5], [np.nan]], np.float32))
    assert arrays["country"].tolist() == [["NL"], [""]]


@pytest.mark.parametrize("kind", [pa.int8(), pa.float32(), pa.float64(), pa.null()])
def test_numbers_of_every_type_are_taken_in_single_precision(kind: pa.DataType) -> None:
    values = pa.nulls(2) if pa.types.is_null(kind) else pa.array([1, 2], kind)
    assert feature_arrays(table(age=values), SIGNATURE)["age"].dtype == np.float32


def test_strings_may_lie_in_a_dictionary() -> None:
    arrays = feature_arrays(table(country=pa.array(["NL", "DE"]).dictionary_encode()), SIGNATURE)
    assert arrays["country"].tolist() == [["NL"], ["DE"]]


def test_every_fault_is_named_at_once_without_a_value() -> None:
    with pytest.raises(ValueError, match=r"^3 faults in the columns of 2 feature rows\n") as caught:
        feature_arrays(table(amount=pa.array([np.inf, 1e300]), country=[4929, 1]).drop_columns(["age"]), SIGNATURE)
    assert str(caught.value).splitlines()[1:] == [
        "  'age': missing",
        "  'amount': must be finite, got 2 values that are not",
        "  'country': must be strings, got int64",
    ]


def test_one_fault_is_one() -> None:
    with pytest.raises(
        ValueError, match=r"^1 fault in the columns of 2 feature rows\n  'age': must be numbers, got string"
    ):
        feature_arrays(table(age=["secret", "1"]), SIGNATURE)
