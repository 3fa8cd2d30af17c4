"""What a graph takes: written and read back, and a table turned into its inputs or refused by column."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle.signature import Signature, feature_arrays

DURATION = pa.duration("s")
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
        feature_arrays(
            table(amount=pa.array([np.inf, 1e300]), country=pa.array([4929, 1], DURATION)).drop_columns(["age"]),
            SIGNATURE,
        )
    assert str(caught.value).splitlines()[1:] == [
        "  'age': missing",
        "  'amount': must be finite, got 2 values that are not",
        "  'country': must be strings, got duration[s]",
    ]


def test_one_fault_is_one() -> None:
    with pytest.raises(
        ValueError, match=r"^1 fault in the columns of 2 feature rows\n  'age': must be numbers, got string"
    ):
        feature_arrays(table(age=["secret", "1"]), SIGNATURE)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 0]),
        pa.array([1.0, 0.0]),
        pa.array([True, False]),
        pa.array([Decimal(1), Decimal(0)], pa.decimal128(38, 10)),
        pa.array(["1", " 0.0 "]),
        pa.array([b"1", b"0"]),
        pa.array(["1", "0"]).dictionary_encode(),
    ],
)
def test_numbers_of_every_type_are_read_as_ingest_reads_them(values: pa.Array) -> None:
    assert feature_arrays(table(age=values), SIGNATURE)["age"][:, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([315, None]), ["315", ""]),
        (pa.array([315.0, None]), ["315", ""]),
        (pa.array([Decimal("315.00"), None], pa.decimal128(12, 2)), ["315", ""]),
        (pa.array([True, None]), ["true", ""]),
        (pa.array([" NL ", "  "]), ["NL", ""]),
        (pa.array([b"NL", None]), ["NL", ""]),
        (pa.nulls(2), ["", ""]),
    ],
)
def test_categories_of_every_type_are_read_as_ingest_reads_them(values: pa.Array, text: list[str]) -> None:
    assert feature_arrays(table(country=values), SIGNATURE)["country"][:, 0].tolist() == text


def test_a_text_that_is_no_number_is_told_by_type_and_row_without_its_value() -> None:
    with pytest.raises(ValueError, match=r"'age': must be numbers, got string that is none in 1 rows, first in row 2$"):
        feature_arrays(table(age=["1", "4929 1234"]), SIGNATURE)
