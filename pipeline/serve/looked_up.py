"""`GET /v1/transactions/{id}`: what it was answered, from what, by which model, and its label now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipeline.serve.live_events import StoredEvent
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import Reply, Service

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def transaction_reply(transaction_id: str, service: Service) -> Reply:
    """The record of a transaction.

    Args:
        transaction_id: as text; the number 17 and the text "17" are one id.
        service: which has the log.

    Raises:
        RefusalError: 404, the log does not hold it.
    """
    stored = service.engine.stored(transaction_id)
    if stored is None:
        raise RefusalError(404, "the log does not hold the transaction", fields=["transaction_id"])
    return Reply(200, orjson.dumps(_told(stored)), stored.offset)


def _told(stored: StoredEvent) -> dict[str, Any]:
    return {
        "offset": stored.offset,
        "outcome": stored.outcome.name.lower(),
        "answer": orjson.Fragment(stored.answer) if stored.answer else None,
        "features": stored.features,
        "label": stored.label,
        "label_available_at": None if stored.label_available_at is None else _text(stored.label_available_at),
        "model": stored.model,
    }


def _text(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
