import traceback

import pytest

from pipeline.config import load_config
from pipeline.sections import DataConfig
from pipeline.stages.hash_key import hash_key, hash_key_check
from pipeline.storage.errors import InputError

HASHED = DataConfig(hash_key_env="HARBOR_TEST_KEY")


def test_without_a_variable_there_is_neither_secret_nor_check():
    assert hash_key(DataConfig()) is None
    assert hash_key_check(DataConfig()) is None


def test_the_check_tells_secrets_apart_and_holds_none_of_them(monkeypatch):
    secrets = ("sixteen bytes at least", "sixteen bytes at leasT")
    checks = []
    for secret in secrets:
        monkeypatch.setenv("HARBOR_TEST_KEY", secret)
        assert hash_key(HASHED) == secret.encode()
        checks.append(hash_key_check(HASHED))
    assert checks[0] != checks[1]
    assert not any(secret.encode().hex() in check for secret in secrets for check in checks)


@pytest.mark.parametrize("secret", ["", "fifteen bytes !"])
def test_a_secret_that_is_missing_or_short_is_refused_without_showing_it(monkeypatch, secret):
    monkeypatch.setenv("HARBOR_TEST_KEY", secret)
    with pytest.raises(InputError, match=rf"data.hash_key_env: .* must hold .* 16 bytes, got {len(secret)}$"):
        hash_key(HASHED)


@pytest.mark.parametrize(
    "key", ["a3f9c2d1e0b7486f9a1c2d3e4f5a6b7c", "hunter2hunter2!!", "s3cr3t/k+y=", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"]
)
def test_a_key_in_place_of_its_variables_name_is_refused_without_showing_it(key):
    with pytest.raises(ValueError, match="must be the name of an environment variable") as refused:
        load_config(None, assignments=(f"data.hash_key_env={key}",))
    assert key not in "".join(traceback.format_exception(refused.value))
