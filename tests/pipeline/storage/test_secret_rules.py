import secrets

import pytest

from pipeline.storage.errors import InputError
from pipeline.storage.secret_rules import check_secret, checked_variable


@pytest.mark.parametrize("name", ["HARBOR_CARD_KEY", "KEY2", "_X", "CARD_HASH_KEY_2024"])
def test_a_variables_name_passes(name):
    assert checked_variable(name) == name


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe, lambda n: secrets.token_hex(n).upper()])
def test_no_random_key_passes_for_a_name_nor_is_shown(make):
    for key in (make(32) for _ in range(200)):
        with pytest.raises(InputError, match="must be the name of an environment variable") as refused:
            checked_variable(key)
        assert key not in str(refused.value)


@pytest.mark.parametrize(
    "secret",
    [
        b"a" * 64,
        b"changeme" * 4,
        b"passwordpassword",
        b"0123456789abcdef",
        b"abcdefghijklmnop",
        b"ponmlkjihgfedcba",
        b"0000000000000001",
        b"1212121212121212",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_and_not_shown(secret):
    with pytest.raises(InputError, match="KEY must hold a secret that nobody can guess") as refused:
        check_secret(secret, what="KEY")
    assert secret.decode() not in str(refused.value)


def test_a_short_secret_is_refused_with_its_length():
    with pytest.raises(InputError, match="KEY must hold a secret of at least 16 bytes, got 3"):
        check_secret(b"abc", what="KEY")


def test_random_secrets_pass():
    for size in (16, 32, 64):
        for _ in range(200):
            check_secret(secrets.token_bytes(size), what="KEY")
            check_secret(secrets.token_hex(size // 2).encode(), what="KEY")
