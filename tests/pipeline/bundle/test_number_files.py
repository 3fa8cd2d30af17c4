import numpy as np
import pytest
from safetensors.numpy import save

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.number_files import check_number_files, check_safetensors, ubjson_keys
from pipeline.bundle.signature import Signature
from pipeline.storage.errors import InputError


def test_what_harbor_writes_passes(bundle):
    checked = checked_bundle(bundle)
    check_number_files(checked, Signature.from_dict(checked.read_json("signature.json")))


def test_a_booster_of_xgboost_is_walked_to_its_end(bundle):
    assert ubjson_keys((bundle / "booster.ubj").read_bytes()) == {"learner", "version"}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_no_beginning_of_a_booster_is_one(bundle, share):
    content = (bundle / "booster.ubj").read_bytes()
    with pytest.raises(InputError, match="cut short"):
        ubjson_keys(content[: int(share * len(content))])


def test_each_kind_of_value_is_walked_over():
    assert ubjson_keys(
        b"{i\x01aTi\x01bZi\x01cSi\x02xyi\x01d[i\x01U\xff]i\x01e[$d#i\x02" + b"\0" * 8 + b"i\x01f{}}"
    ) == set("abcdef")


@pytest.mark.parametrize("shapes", [[(3, 2)], [(), (4,), (0, 5)]])
def test_tensors_as_their_library_writes_them_pass(shapes):
    check_safetensors(save({f"t{place}": np.zeros(shape, np.float32) for place, shape in enumerate(shapes)}))


def test_random_bytes_are_no_tensors_and_raise_nothing_else():
    content = save({"x": np.arange(6, dtype=np.float32)})
    rng = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(content)
        broken[rng.integers(len(broken) - 24)] ^= int(rng.integers(1, 256))
        try:
            check_safetensors(bytes(broken))
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError):
            continue
