"""What a store says becomes one of four errors in words of our own, without what it said."""

import pyarrow as pa
import pytest

from pipeline.storage.errors import InputError
from pipeline.storage.store_errors import StoreError, errors_in_words

SECRET = "AKIA-of-a-test"


def worded(error, uri="s3://bucket/key"):
    with errors_in_words(uri):
        raise error


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("AWS Error NO_SUCH_BUCKET during ListObjectsV2", InputError, "there is no such bucket"),
        ("When getting information: Bucket 'harbor' not found", InputError, "there is no such bucket"),
        ("AWS Error ACCESS_DENIED during HeadObject", InputError, "the store refuses access; check AWS_ACCESS_KEY_ID"),
        ("AWS Error INVALID_ACCESS_KEY_ID during PutObject", InputError, "the store refuses access"),
        ("AWS Error UNKNOWN (HTTP status 400): ExpiredToken", InputError, "the store refuses access"),
        ("AWS Error NO_SUCH_KEY during GetObject", FileNotFoundError, "s3://bucket/key does not exist"),
        ("Failed to open it: No such file or directory", FileNotFoundError, "s3://bucket/key does not exist"),
        ("AWS Error NETWORK_CONNECTION during HeadObject", StoreError, r"reached or failed \(NETWORK_CONNECTION\)"),
        ("curl: no such host", StoreError, r"reached or failed \(no reason given\)"),
    ],
)
def test_a_store_refuses_misses_or_fails_and_its_own_words_are_left_out(text, kind, message):
    with pytest.raises(kind, match=message) as caught:
        worded(OSError(f"{text}: {SECRET}"))
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("google::cloud::Status(PERMISSION_DENIED: no)", InputError),
        ("google::cloud::Status(NOT_FOUND: no)", FileNotFoundError),
        ("google::cloud::Status(UNAVAILABLE: no)", StoreError),
    ],
)
def test_googles_words_are_understood_too(text, kind):
    with pytest.raises(kind, match="gs://bucket/key"):
        worded(pa.ArrowException(text), "gs://bucket/key")


def test_errors_of_local_files_and_those_worded_before_pass_as_they_are():
    for error in (PermissionError(13, "Permission denied"), StoreError("in words"), KeyError("x")):
        with pytest.raises(type(error), match=r"Permission denied|in words|x") as caught:
            worded(error)
        assert caught.value is error
