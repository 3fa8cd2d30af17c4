"""The service as a raw ASGI application: which path leads where, who may go there, and what is sent back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources

import orjson

from pipeline.process.exits import place_of
from pipeline.serve.access import Access
from pipeline.serve.admission import Admission, next_turn
from pipeline.serve.feature_rows import inferred, invoked, model_metadata
from pipeline.serve.group_commit import GroupCommit
from pipeline.serve.label_body import label_reply
from pipeline.serve.line_batches import LineAnswers
from pipeline.serve.looked_up import transaction_reply
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import LINES, Reply, Service
from pipeline.serve.service_gauges import gauges
from pipeline.serve.web_request import Message, Receive, Send, WebRequest, web_request

ROW_BYTES, BATCH_BYTES = 64 << 10, 16 << 20
TRANSACTIONS = "/v1/transactions/"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"
LIVE = Reply(200, orjson.dumps({"live": True}))
EMPTY = Reply(200, b"{}")
RETRY = ((b"retry-after", b"1"),)
CLOSE = ((b"connection", b"close"),)
CHALLENGE = ((b"www-authenticate", b"Bearer"),)
BESIDE = {401: CHALLENGE, 408: CLOSE, 413: CLOSE, 429: RETRY, 503: RETRY}
BROKEN = orjson.dumps({"error": "the service failed at this request, and says where in its log", "fields": []})
Handler = Callable[[WebRequest], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """Where a path leads: by which method, for which scope, "" for everybody."""

    method: str
    scope: str
    handler: Handler


class WebApp:
    """The application.

    Attributes:
        service: what answers.
        admission: who may come in.
        commit: what answers wait for; None where they need not.
        unready: why nothing is taken now; empty where it is.
        draining: whether the service says that it is not ready, so that others are asked from now on.
    """

    def __init__(
        self,
        service: Service,
        *,
        access: Access,
        admission: Admission,
        commit: GroupCommit | None,
        warn: Callable[[str], None],
    ) -> None:
        self.service = service
        self.admission = admission
        self.commit = commit
        self.unready: dict[str, str] = {}
        self.draining = False
        self._access = access
        self._warn = warn
        self._lines = LineAnswers(service)
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="harbor-rows")
        self.routes: Mapping[str, Route] = self._routes()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            reply = await self._reply(scope, receive)
        except RefusalError as refusal:
            self.service.metrics.add("refusals", str(refusal.status))
            reply = Reply(refusal.status, refusal.body, headers=BESIDE.get(refusal.status, ()))
        except Exception as error:  # the last edge: the place is told, no value of a row
            self.service.metrics.add("faults", "request")
            self._warn(f"a request ended in {type(error).__name__} ({place_of(error)})")
            reply = Reply(500, BROKEN)
        length = b"%d" % len(reply.body)
        headers = [(b"content-type", reply.content), (b"content-length", length), *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def close(self) -> None:
        """End the threads."""
        self._aside.shutdown()
        if self.commit is not None:
            self.commit.close()

    async def _reply(self, scope: Message, receive: Receive) -> Reply:
        path: str = scope["path"]
        route = self.routes.get(path)
        if route is None:
            if not path.startswith(TRANSACTIONS) or path == TRANSACTIONS:
                raise RefusalError(404, "there is no such path")
            route = self.routes[TRANSACTIONS]
        if scope["method"] != route.method:
            raise RefusalError(405, f"the method must be {route.method}")
        request = web_request(scope, receive)
        if route.scope:
            self._access.check(route.scope, request.authorization)
        reply = await route.handler(request) if path in self.routes else self._transaction(path)
        if self.commit is not None and reply.offset >= 0:
            await self.commit.reached(reply.offset)
        return reply

    def _routes(self) -> dict[str, Route]:
        return {
            "/v1/score": Route("POST", "score", self._score),
            "/v1/score/batch": Route("POST", "score", self._batch),
            "/v1/events": Route("POST", "score", self._events),
            "/v1/features": Route("POST", "score", self._what_if),
            "/v1/labels": Route("POST", "label", self._labels),
            TRANSACTIONS: Route("GET", "read", self._nowhere),
            "/invocations": Route("POST", "score", self._invocations),
            "/v2/models/harbor/infer": Route("POST", "score", self._infer),
            "/v2/models/harbor": Route("GET", "", self._model),
            "/v2/models/harbor/ready": Route("GET", "", self._ready),
            "/v2/health/live": Route("GET", "", self._live),
            "/v2/health/ready": Route("GET", "", self._ready),
            "/v2": Route("GET", "", self._server),
            "/health/live": Route("GET", "", self._live),
            "/health/ready": Route("GET", "", self._ready),
            "/ping": Route("GET", "", self._ready),
            "/metrics": Route("GET", "", self._metrics),
            "/openapi.json": Route("GET", "", self._openapi),
        }

    async def _score(self, request: WebRequest) -> Reply:
        came = self._enter()
        try:
            choices = self.service.choices(request.query)
            body = await request.body(ROW_BYTES)
            await next_turn()
            reply = self.service.score(body, choices, scored=not self.admission.is_late(came))
            if self.commit is not None:
                await self.commit.reached(reply.offset)
            return reply if reply.status != 503 else Reply(503, reply.body, reply.offset, (*reply.headers, *RETRY))
        finally:
            self.admission.leave()

    async def _batch(self, request: WebRequest) -> Reply:
        choices = self.service.choices(request.query)
        return await self._of_lines(request, lambda line: self.service.score(line, choices))

    async def _events(self, request: WebRequest) -> Reply:
        return await self._one_or_lines(request, self.service.event)

    async def _labels(self, request: WebRequest) -> Reply:
        return await self._one_or_lines(request, lambda body: label_reply(body, self.service))

    async def _what_if(self, request: WebRequest) -> Reply:
        choices = self.service.choices(request.query)
        return self.service.what_if(await request.body(ROW_BYTES), choices)

    async def _one_or_lines(self, request: WebRequest, answered: Callable[[bytes], Reply]) -> Reply:
        if request.content != LINES:
            self._check_ready()
            return answered(await request.body(ROW_BYTES))
        return await self._of_lines(request, answered)

    async def _of_lines(self, request: WebRequest, answered: Callable[[bytes], Reply]) -> Reply:
        self._enter()
        try:
            return await self._lines.reply(await request.body(BATCH_BYTES), answered)
        finally:
            self.admission.leave()

    async def _infer(self, request: WebRequest) -> Reply:
        return await self._feature_rows(request, inferred)

    async def _invocations(self, request: WebRequest) -> Reply:
        return await self._feature_rows(request, invoked)

    async def _feature_rows(self, request: WebRequest, answered: Callable[..., bytes]) -> Reply:
        """On a thread of its own: such rows touch no state, and there may be thousands."""
        self._enter()
        try:
            body, loop = await request.body(BATCH_BYTES), asyncio.get_running_loop()
            return Reply(200, await loop.run_in_executor(self._aside, answered, body, self.service.deployment))
        finally:
            self.admission.leave()

    def _transaction(self, path: str) -> Reply:
        return transaction_reply(path.removeprefix(TRANSACTIONS), self.service)

    async def _nowhere(self, _: WebRequest) -> Reply:
        raise RefusalError(404, "there is no such path")

    async def _live(self, _: WebRequest) -> Reply:
        return LIVE

    async def _ready(self, _: WebRequest) -> Reply:
        self._check_ready()
        if self.draining:
            raise RefusalError(503, "not ready: draining")
        return EMPTY

    async def _server(self, _: WebRequest) -> Reply:
        return Reply(200, orjson.dumps({"name": "harbor", "version": "2", "extensions": []}))

    async def _model(self, _: WebRequest) -> Reply:
        return Reply(200, model_metadata(self.service.deployment))

    async def _metrics(self, _: WebRequest) -> Reply:
        return Reply(200, self.service.metrics.scraped(lambda: gauges(self.service, self.admission)), content=TEXT)

    async def _openapi(self, _: WebRequest) -> Reply:
        return Reply(200, resources.files("pipeline.serve").joinpath("openapi.json").read_bytes())

    def _check_ready(self) -> None:
        if self.unready:
            raise RefusalError(503, f"not ready: {'; '.join(self.unready.values())}")
        self.service.check_writable()

    def _enter(self) -> float:
        self._check_ready()
        return self.admission.enter()
