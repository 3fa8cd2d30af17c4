import pytest

from pipeline.bundle.seal import SEAL, check_seal, is_sealed, public_key, sealed
from pipeline.storage.errors import InputError

PRIVATE = b"ed25519-private:9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = b"ed25519-public:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"""The first pair of RFC 8032, section 7.1."""


def written(folder, content):
    (folder / SEAL).write_bytes(content)
    return folder


def test_the_pair_and_the_signature_are_those_of_the_rfc():
    assert public_key(PRIVATE) == PUBLIC
    assert sealed(b"", PRIVATE).startswith(b"ed25519 e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


@pytest.mark.parametrize("key", [PRIVATE, PUBLIC])
def test_either_half_verifies_what_the_private_one_signed(tmp_path, key):
    check_seal(written(tmp_path, sealed(b"manifest", PRIVATE)), b"manifest", key)
    assert is_sealed(tmp_path)
    with pytest.raises(InputError, match="must be the manifest's signature"):
        check_seal(tmp_path, b"manifesT", key)


def test_who_can_verify_can_sign_nothing(tmp_path):
    with pytest.raises(InputError, match="with the private key of the pair"):
        sealed(b"manifest", PUBLIC)
    for forged in (sealed(b"manifest", b"x" + PUBLIC), b"ed25519 " + b"0" * 128 + b"\n", b"", b"ed25519 \n"):
        with pytest.raises(InputError, match="must be the manifest's signature"):
            check_seal(written(tmp_path, forged), b"manifest", PUBLIC)


def test_a_public_key_is_no_secret_of_an_hmac(tmp_path):
    """Else whoever knows the public key could sign with it and call the kind another."""
    import hashlib
    import hmac

    forged = f"hmac-sha256 {hmac.new(PUBLIC, b'manifest', hashlib.sha256).hexdigest()}\n".encode()
    with pytest.raises(InputError, match="must be the manifest's signature"):
        check_seal(written(tmp_path, forged), b"manifest", PUBLIC)


def test_a_secret_signs_and_verifies_as_before(tmp_path):
    check_seal(written(tmp_path, sealed(b"manifest", b"secret")), b"manifest", b"secret")
    with pytest.raises(InputError, match="must be the manifest's signature"):
        check_seal(tmp_path, b"manifest", b"Secret")


def test_no_signature_is_no_right_one(tmp_path):
    with pytest.raises(InputError, match=r"must have a manifest\.sig, but it has none"):
        check_seal(tmp_path, b"manifest", PUBLIC)


@pytest.mark.parametrize("key", [b"ed25519-private:12", b"ed25519-public:" + b"g" * 64, b"ed25519:" + b"0" * 64])
def test_a_broken_key_of_a_pair_is_no_secret_and_is_not_shown(key):
    with pytest.raises(InputError, match="the key must be ed25519-private") as refused:
        sealed(b"manifest", key)
    assert key.decode() not in str(refused.value)
