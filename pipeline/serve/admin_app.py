"""What only the machine's own operator may ask, over a unix socket in the serving folder that its mode guards."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from pipeline.serve.bundle_swap import BundleSwap
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import Reply
from pipeline.serve.snapshot_process import made_snapshot
from pipeline.serve.strict_body import strict_row
from pipeline.serve.web_app import WebApp
from pipeline.serve.web_request import Message, Receive, Send, web_request

LARGEST_BODY = 16 << 10
Asked = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class AdminApp:
    """Swap, snapshot, digest, drain and resume: each a POST of one JSON object, {} where it needs nothing."""

    def __init__(self, app: WebApp, swap: BundleSwap) -> None:
        self._app = app
        self._swap = swap
        self.asked: Mapping[str, Asked] = {
            "/swap": self._swapped,
            "/digest": self._digest,
            "/snapshot": self._snapshot,
            "/drain": self._drain,
            "/resume": self._resume,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            asked = self.asked.get(scope["path"])
            if asked is None or scope["method"] != "POST":
                raise RefusalError(404, f"must be a POST to {', '.join(self.asked)}")
            row = strict_row(await web_request(scope, receive).body(LARGEST_BODY))
            reply = Reply(200, orjson.dumps(await asked(row)))
        except RefusalError as refusal:
            reply = Reply(refusal.status, refusal.body)
        headers = [(b"content-type", reply.content), (b"content-length", b"%d" % len(reply.body))]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _swapped(self, row: Mapping[str, Any]) -> dict[str, Any]:
        bundle, version = row.get("bundle"), row.get("version", "")
        if not isinstance(bundle, str) or not isinstance(version, str) or row.keys() - {"bundle", "version"}:
            raise RefusalError(422, "must be {bundle: FOLDER, version: TEXT}", fields=["bundle", "version"])
        made = await self._swap.swap(Path(bundle), version)
        return {"manifest": made.manifest, "version": made.version}

    async def _digest(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Of the state between two events; its bytes are copied then, and hashed beside."""
        engine = self._app.service.engine
        words, offset = engine.state.words(), engine.offset
        return {"digest": await asyncio.to_thread(lambda: hashlib.sha256(words.data).hexdigest()), "offset": offset}

    async def _snapshot(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return await made_snapshot(self._app.service.engine.folder)

    async def _drain(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._app.draining = True
        return {"draining": True, "under_way": self._app.admission.under_way}

    async def _resume(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._app.draining = False
        return {"draining": False}
