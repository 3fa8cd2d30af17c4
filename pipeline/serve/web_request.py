"""A request of ASGI: what its headers say, and its body up to a limit."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from pipeline.serve.refusal import RefusalError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
JSON_TYPES = (b"application/json", b"application/x-ndjson", b"application/jsonl")
PATIENCE = 10.0
"""Seconds for a body to come in."""


@dataclass(frozen=True)
class WebRequest:
    """One request.

    Attributes:
        query: behind the question mark.
        content: type of the body, without parameters.
        encoding: of the body.
        length: that is declared, -1 where none is.
        authorization: the header.
        receive: gives the body's parts.
    """

    query: bytes
    content: bytes
    encoding: bytes
    length: int
    authorization: bytes
    receive: Receive

    async def body(self, limit: int) -> bytes:
        """The body.

        Raises:
            RefusalError: 413 where it has more bytes than `limit`, 415 where it is no JSON, 408 where it stays out.
        """
        if self.content not in JSON_TYPES:
            raise RefusalError(415, "content-type must be application/json or application/x-ndjson")
        if self.encoding not in (b"", b"identity"):
            raise RefusalError(415, "content-encoding must be identity")
        if self.length > limit:
            raise _too_large(limit)
        message = await self.receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            body = await self._rest(body, limit)
        if len(body) > limit:
            raise _too_large(limit)
        return body

    async def _rest(self, first: bytes, limit: int) -> bytes:
        parts, size, more = [first], len(first), True
        try:
            async with asyncio.timeout(PATIENCE):
                while more and size <= limit:
                    message = await self.receive()
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    more = message["type"] == "http.request" and message.get("more_body", False)
        except TimeoutError:
            raise RefusalError(408, f"the body must come within {PATIENCE:.0f} seconds") from None
        return b"".join(parts)


def web_request(scope: Message, receive: Receive) -> WebRequest:
    """The request of a scope.

    Raises:
        RefusalError: 400, its length is no whole number.
    """
    content, encoding, length, authorization = b"", b"", b"", b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content = value.partition(b";")[0].strip().lower()
        elif name == b"content-length":
            length = value
        elif name == b"authorization":
            authorization = value
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    if length and not length.isdigit():
        raise RefusalError(400, "content-length must be a whole number")
    size = int(length[:20]) if length else -1
    return WebRequest(scope["query_string"], content, encoding, size, authorization, receive)


def _too_large(limit: int) -> RefusalError:
    return RefusalError(413, f"the body must have at most {limit:,} bytes")
