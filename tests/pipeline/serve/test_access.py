"""A token opens what its scope names, and its file cannot be used to make one."""

import hashlib

import pytest

from pipeline.serve.access import Access, read_access
from pipeline.serve.refusal import RefusalError

TOKENS = {"score": "s3cret-of-the-gateway", "read": "s3cret-of-the-auditor"}


@pytest.fixture
def access(tmp_path):
    lines = [f"{scope} {hashlib.sha256(token.encode()).hexdigest()}  # who" for scope, token in TOKENS.items()]
    (tmp_path / "tokens").write_text("\n".join(["# tokens", "", *lines]))
    return read_access(tmp_path / "tokens")


def status(access, scope, header):
    try:
        access.check(scope, header)
    except RefusalError as refusal:
        return refusal.status
    return 200


def test_a_token_opens_its_own_scope_alone(access):
    header = f"Bearer {TOKENS['score']}".encode()
    assert [status(access, scope, header) for scope in ("score", "label", "read")] == [200, 403, 403]
    assert status(access, "read", f"bearer {TOKENS['read']}".encode()) == 200


@pytest.mark.parametrize(
    "header", [b"", b"Bearer ", b"Bearer nope", b"Basic s3cret-of-the-gateway", b"s3cret-of-the-gateway"]
)
def test_without_a_token_that_is_known_nothing_opens(access, header):
    assert status(access, "score", header) == 401


def test_the_digest_of_a_token_is_no_token(access):
    digest = hashlib.sha256(TOKENS["score"].encode()).hexdigest()
    assert status(access, "score", f"Bearer {digest}".encode()) == 401


def test_without_a_file_everybody_may_come_in():
    assert read_access(None).is_open
    assert status(Access({}), "score", b"") == 200


@pytest.mark.parametrize(
    ("text", "what"),
    [("admin " + "0" * 64, "line 1: must be one of score"), ("score 123", "64 hexadecimal"), ("#", "got none")],
)
def test_a_file_that_says_something_else_is_refused_by_line_and_not_repeated(tmp_path, text, what):
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(ValueError, match=what) as found:
        read_access(tmp_path / "tokens")
    assert "123" not in str(found.value).replace(str(tmp_path), "")
