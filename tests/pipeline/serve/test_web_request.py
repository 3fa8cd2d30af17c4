"""A request's headers and body, up to what is taken."""

import asyncio

import pytest

from pipeline.serve import web_request as module
from pipeline.serve.refusal import RefusalError
from pipeline.serve.web_request import web_request

JSON = (b"content-type", b"application/json; charset=utf-8")


def body_of(headers, parts, limit=100, waits=False):
    pieces = list(parts)

    async def receive():
        if not pieces:
            await asyncio.sleep(60)
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": waits or bool(pieces)}

    async def read():
        return await web_request({"headers": headers, "query_string": b""}, receive).body(limit)

    return asyncio.run(read())


def test_a_body_in_parts_is_one_body():
    assert body_of([JSON], [b"{", b'"a"', b": 1}"]) == b'{"a": 1}'


@pytest.mark.parametrize("content", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"])
def test_what_a_page_of_somebody_else_could_send_is_not_taken(content):
    with pytest.raises(RefusalError, match="content-type must be application/json") as found:
        body_of([(b"content-type", content)], [b"{}"])
    assert found.value.status == 415


def test_a_compressed_body_is_not_taken():
    with pytest.raises(RefusalError, match="content-encoding"):
        body_of([JSON, (b"content-encoding", b"gzip")], [b"{}"])


def test_a_body_that_says_it_is_too_large_is_not_read():
    with pytest.raises(RefusalError, match="at most 100 bytes") as found:
        body_of([JSON, (b"content-length", b"10000000")], [])
    assert found.value.status == 413


def test_a_body_that_does_not_say_how_large_it_is_is_read_up_to_the_limit():
    endless = [b"x" * 60] * 1000
    with pytest.raises(RefusalError, match="at most 100 bytes"):
        body_of([JSON], endless)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10"])
def test_a_length_that_is_no_number_is_refused(length):
    with pytest.raises(RefusalError, match="whole number") as found:
        body_of([JSON, (b"content-length", length)], [b"{}"])
    assert found.value.status == 400


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with pytest.raises(RefusalError, match="must come within") as found:
        body_of([JSON], [b"{"], waits=True)
    assert found.value.status == 408
