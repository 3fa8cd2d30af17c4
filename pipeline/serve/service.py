"""One request after the other, each to its end: read, features, graph, answer, log.

Nothing here waits: a row is answered and in the log before the next one is looked at, so no two see each other half.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter, time_ns
from typing import Any, Protocol

import numpy as np
import orjson

from features.online.state import ANSWERED, Outcome
from features.times import MINUTE
from pipeline.serve.choices import Choices, chosen
from pipeline.serve.deployment import PROBABILITY, Deployment
from pipeline.serve.engine import BUNDLE, Engine
from pipeline.serve.live_events import LiveFeatures, StoredEvent
from pipeline.serve.raw_fields import RawFields
from pipeline.serve.refusal import RefusalError, refusal_of_fields
from pipeline.serve.service_metrics import ServiceMetrics
from pipeline.serve.strict_body import strict_row
from pipeline.state.log_writer import LogFailedError
from pipeline.storage.errors import InputError

MICROSECONDS = 1e6
NOT_WRITABLE = "the log cannot be written, so nothing is taken until the service is started again"
REPLAYED = ((b"idempotent-replayed", b"true"),)
JSON, LINES = b"application/json", b"application/x-ndjson"
TOO_FAR_AHEAD = ("event_time", "must not be ahead of the clock by more than serve.ahead")
REFUSED = {
    Outcome.AMOUNT: ("amount", "must be from 0 to 2^40 minor units"),
    Outcome.TOO_FAR_AHEAD: TOO_FAR_AHEAD,
}
"""Field and rule of rows that the engine does not take."""


@dataclass(frozen=True)
class Reply:
    """What is sent back.

    Attributes:
        status: of HTTP.
        body: its bytes.
        offset: of the last event that must be safe before it is sent; -1 where none must.
        headers: beside those of every answer.
        content: its type.
    """

    status: int
    body: bytes
    offset: int = -1
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content: bytes = JSON


class Shadow(Protocol):
    """Who scores the same rows beside."""

    def offer(self, taken: LiveFeatures, values: Mapping[str, Any], probability: float, offset: int) -> None:
        """Take a row that was answered."""


@dataclass(frozen=True)
class ServiceOptions:
    """What a service is told of itself.

    Attributes:
        threshold: name of the operating point that decides where a request names none; "" for that of the bundle.
        fallback: the decision of rows that are not scored.
        audit_every: of how many rows one is asked of the batch functions too; 0 for none.
        ahead: microseconds by which a row may be ahead of the clock, and of the newest row where that is later: one
            wrong clock must not end everybody's windows.
        exact_reasons: whether effects are Shapley values.
    """

    threshold: str
    fallback: str = "review"
    audit_every: int = 1000
    ahead: int = 5 * MINUTE
    exact_reasons: bool = False


class Service:
    """The engine, the bundle that answers now, and what is counted on the way."""

    def __init__(
        self,
        engine: Engine,
        fields: RawFields,
        deployment: Deployment,
        options: ServiceOptions,
        metrics: ServiceMetrics,
    ) -> None:
        self.engine = engine
        self.fields = fields
        self.options = options
        self.metrics = metrics
        self.shadow: Shadow | None = None
        self._scored = 0
        self.deployment = self._checked(deployment)
        metrics.expect(deployment.golden)
        engine.note(self._note(deployment))

    def swap(self, deployment: Deployment) -> int:
        """Let another bundle answer from the next row on; the log's record of it.

        Raises:
            InputError: it lacks the operating point by which this service decides.
        """
        self._checked(deployment)
        self.check_writable()
        with self.logging_faults():
            offset = self.engine.note(self._note(deployment))
        self.deployment = deployment
        self.metrics.expect(deployment.golden)
        return offset

    def choices(self, query: bytes) -> Choices:
        """What a request's query asks for; raises RefusalError where that is nothing that there is."""
        if not query:
            return Choices(self._threshold(self.deployment))
        return chosen(query, threshold=self._threshold(self.deployment), known=self.deployment.points.keys())

    def score(self, body: bytes, choices: Choices, *, scored: bool = True) -> Reply:
        """Take a raw transaction and answer it.

        Args:
            body: JSON.
            choices: of the request.
            scored: false where there is no time: it is counted, and the decision is the fallback's.

        Raises:
            RefusalError: the row is not taken, and nothing has changed.
        """
        began = perf_counter()
        values = self.fields.values(strict_row(body))
        read = perf_counter()
        self.metrics.phases["read"].observe(read - began)
        reply = self.score_values(values, choices, scored=scored)
        self.metrics.phases["total"].observe(perf_counter() - began)
        return reply

    def score_values(self, values: Mapping[str, Any], choices: Choices, *, scored: bool = True) -> Reply:
        """The same of a row that has been read."""
        self.check_writable()
        self._check_clock(values)
        began = perf_counter()
        taken = self.engine.take(values)
        self.metrics.phases["features"].observe(perf_counter() - began)
        self.metrics.add("rows", taken.outcome.name.lower())
        if taken.outcome not in ANSWERED:
            return self._not_taken(taken, values)
        if not scored:
            self.metrics.add("shed")
            return self._kept(taken, self._fallback(taken, values), status=503)
        self._audit(taken)
        try:
            probability = self._probability(taken)
            answer = self.answered(taken, values, choices, probability)
        except Exception:  # the row is counted already, so it must be in the log, whatever a graph ends in
            self.metrics.add("faults", "graph")
            return self._kept(taken, self._fallback(taken, values), status=503)
        reply = self._kept(taken, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
        if self.shadow is not None:
            self.shadow.offer(taken, values, probability, reply.offset)
        return reply

    def event(self, body: bytes) -> Reply:
        """Take a raw transaction that is counted and not scored; raises as `score`."""
        self.check_writable()
        values = self.fields.values(strict_row(body))
        self._check_clock(values)
        taken = self.engine.take(values)
        self.metrics.add("rows", taken.outcome.name.lower())
        told = {"transaction_id": values["transaction_id"], "outcome": taken.outcome.name.lower()}
        if taken.outcome is Outcome.REPEATED:
            stored = self._stored(values)
            return Reply(200, orjson.dumps({**told, "offset": stored.offset}), stored.offset, REPLAYED)
        if taken.outcome not in ANSWERED:
            return self._not_taken(taken, values)
        offset = self._keep(taken, b"")
        return Reply(200, orjson.dumps({**told, "offset": offset}), offset)

    def what_if(self, body: bytes, choices: Choices) -> Reply:
        """The features and the decision that a transaction would have now; nothing changes. Raises as `score`."""
        values = self.fields.values(strict_row(body))
        self._check_clock(values)
        looked = self.engine.look(values)
        if looked.outcome in REFUSED:
            raise refusal_of_fields([REFUSED[looked.outcome]])
        asked = Choices(choices.threshold, features=True, reasons=choices.reasons)
        answer = self.answered(looked, values, asked, self._probability(looked))
        answer.pop("offset")
        return Reply(200, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))

    def answered(
        self, taken: LiveFeatures, values: Mapping[str, Any], choices: Choices, probability: float
    ) -> dict[str, Any]:
        """What an answer says."""
        deployment = self.deployment
        point = deployment.points[choices.threshold]
        flagged = point.rule.flags(probability, values["amount"])
        decision = "flag" if flagged else "pass"
        self.metrics.add("decisions", choices.threshold, decision)
        self.metrics.score(probability)
        for name in deployment.unknown(taken.texts):
            self.metrics.add("unseen", name)
        answer = {
            "transaction_id": values["transaction_id"],
            "probability": probability,
            "decision": decision,
            "threshold": point.told,
            "reasons": self._reasons(taken) if flagged or choices.reasons else [],
            "model": deployment.model,
            "exact": taken.outcome is not Outcome.TOO_LATE,
            "late_seconds": taken.late / MICROSECONDS,
            "offset": self.engine.offset,
        }
        if choices.features:
            answer["features"] = shown_features(deployment, taken)
        return answer

    def check_writable(self) -> None:
        """Refuse whatever would change the state while the log cannot be written.

        Raises:
            RefusalError: 503.
        """
        if not self.engine.is_writable:
            raise RefusalError(503, NOT_WRITABLE)

    @contextlib.contextmanager
    def logging_faults(self) -> Iterator[None]:
        """Turn a log that cannot be written into a refusal: what was to be told is not."""
        try:
            yield
        except LogFailedError:
            self.metrics.add("faults", "log")
            raise RefusalError(503, NOT_WRITABLE) from None

    def _check_clock(self, values: Mapping[str, Any]) -> None:
        """A clock decides what is refused and nothing of what is taken, so a log is replayed without one."""
        moment = values["event_time"] - self.options.ahead
        if moment > (self.engine.newest or 0) and moment > time_ns() // 1000:
            raise refusal_of_fields([TOO_FAR_AHEAD])

    def _probability(self, taken: LiveFeatures) -> float:
        began = perf_counter()
        found = self.deployment.probability(taken.numbers, taken.texts)
        self.metrics.phases["graph"].observe(perf_counter() - began)
        return found

    def _reasons(self, taken: LiveFeatures) -> list[dict[str, Any]]:
        deployment = self.deployment
        if deployment.reasons is None:
            return []
        began = perf_counter()
        explained = deployment.reasons.reasons if self.options.exact_reasons else deployment.reasons
        found = explained.of(taken.numbers, taken.texts, deployment.scorer, PROBABILITY)
        self.metrics.phases["reasons"].observe(perf_counter() - began)
        return [{"code": each.code, "text": each.text, "effect": each.effect} for each in found]

    def _kept(self, taken: LiveFeatures, answer: bytes, *, status: int = 200) -> Reply:
        return Reply(status, answer, self._keep(taken, answer))

    def _keep(self, taken: LiveFeatures, answer: bytes) -> int:
        began = perf_counter()
        with self.logging_faults():
            offset = self.engine.keep(taken, answer)
        self.metrics.phases["log"].observe(perf_counter() - began)
        return offset

    def _fallback(self, taken: LiveFeatures, values: Mapping[str, Any]) -> bytes:
        told = {
            "transaction_id": values["transaction_id"],
            "probability": None,
            "decision": self.options.fallback,
            "shed": True,
            "exact": taken.outcome is not Outcome.TOO_LATE,
            "late_seconds": taken.late / MICROSECONDS,
            "offset": self.engine.offset,
        }
        return orjson.dumps(told)

    def _not_taken(self, taken: LiveFeatures, values: Mapping[str, Any]) -> Reply:
        """The answer to a row that came before, or the refusal of one that cannot be taken."""
        if taken.outcome is Outcome.REPEATED:
            stored = self._stored(values)
            self.metrics.add("replays")
            if not stored.answer:
                raise RefusalError(409, "the transaction was counted by /v1/events, and has no answer")
            status = 503 if orjson.loads(stored.answer).get("shed") else 200
            return Reply(status, stored.answer, stored.offset, REPLAYED)
        if taken.outcome is Outcome.CONFLICT:
            raise RefusalError(
                409,
                "the transaction came before with another content, which stays",
                fields=["transaction_id", *self.engine.differing(taken)],
            )
        raise refusal_of_fields([REFUSED[taken.outcome]])

    def _stored(self, values: Mapping[str, Any]) -> StoredEvent:
        stored = self.engine.stored(values["transaction_id"])
        if stored is None:  # it was in the state that serving began with, which has no answers
            raise RefusalError(
                409, "the transaction is in the history that the service started from, and has no answer"
            )
        return stored

    def _audit(self, taken: LiveFeatures) -> None:
        self._scored += 1
        if self.options.audit_every and self._scored % self.options.audit_every == 0:
            self.metrics.add("audits")
            self.metrics.add("audit_mismatches", count=self.engine.audit(taken))

    def _checked(self, deployment: Deployment) -> Deployment:
        threshold = self._threshold(deployment)
        if threshold not in deployment.points:
            held = ", ".join(sorted(deployment.points)) or "none"
            raise InputError(f"the bundle must have the operating point {threshold!r}, but it has {held}")
        return deployment

    def _threshold(self, deployment: Deployment) -> str:
        return self.options.threshold or deployment.ships

    @staticmethod
    def _note(deployment: Deployment) -> dict[str, Any]:
        return {BUNDLE: deployment.manifest, "version": deployment.version, "candidate": deployment.candidate}


def shown_features(deployment: Deployment, taken: LiveFeatures) -> dict[str, Any]:
    """Every column as the graph took it; None where a number is missing."""
    numbers = (None if np.isnan(value) else value for value in taken.numbers[0].tolist())
    texts = {name: str(column[0, 0]) for name, column in taken.texts.items()}
    return dict(zip(deployment.scorer.signature.numeric, numbers, strict=True)) | texts
