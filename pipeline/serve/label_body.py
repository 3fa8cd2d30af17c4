"""What became known about a transaction: a chargeback, a confirmation, or that a label holds no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from features.schema.entity_ids import keyed_hash
from features.times import time_microseconds
from pipeline.serve.live_events import LabelTaken
from pipeline.serve.raw_fields import RawFields
from pipeline.serve.refusal import RefusalError, refusal_of_fields
from pipeline.serve.service import Reply, Service
from pipeline.serve.strict_body import strict_row
from pipeline.storage.errors import INPUT_ERRORS

LONGEST_ID = 256
MISSING = object()


def label_reply(body: bytes, service: Service) -> Reply:
    """Take a label and answer what became of it.

    Raises:
        RefusalError: fields are wrong, or nobody knows the transaction; nothing has changed.
    """
    row = strict_row(body)
    label, available, ids = _label(row), _available(row), _ids(row, service.fields)
    key = _transaction_id(row)
    service.check_writable()
    offset = service.engine.offset
    with service.logging_faults():
        taken = service.engine.label(key, label, available, ids)
    service.metrics.add("labels", taken.name.lower())
    if taken is LabelTaken.UNKNOWN:
        raise RefusalError(
            404, "nobody knows the transaction: send its ids beside the label", fields=["transaction_id"]
        )
    if taken is LabelTaken.TOO_EARLY:
        raise refusal_of_fields([("available_at", "must not be before the transaction itself")])
    told: dict[str, Any] = {"transaction_id": key, "outcome": taken.name.lower()}
    if taken is LabelTaken.FOUND:
        told["offset"] = offset
    return Reply(200, orjson.dumps(told), service.engine.offset - 1)


def _transaction_id(row: Mapping[str, Any]) -> str | int:
    key = row.get("transaction_id")
    if type(key) is int or (type(key) is str and 0 < len(key) <= LONGEST_ID):
        return key
    raise refusal_of_fields([("transaction_id", f"must be text of at most {LONGEST_ID} letters, or a whole number")])


def _label(row: Mapping[str, Any]) -> int | None:
    label = row.get("label", MISSING)
    if label is None or (type(label) in (int, bool) and label in (0, 1)):
        return None if label is None else int(label)
    raise refusal_of_fields([("label", "must be 1 for fraud, 0 for legitimate, or null where it holds no more")])


def _available(row: Mapping[str, Any]) -> int | None:
    """Microseconds; None where the row does not say when: now, by the clock of events."""
    given = row.get("available_at")
    if given is None:
        return None
    try:
        if type(given) is str and datetime.fromisoformat(given).tzinfo is not None:
            return time_microseconds(given)
    except (ValueError, *INPUT_ERRORS):
        pass
    raise refusal_of_fields([("available_at", "must be a time with its zone, such as 2024-05-31T14:30:00Z")])


def _ids(row: Mapping[str, Any], fields: RawFields) -> Mapping[str, Any] | None:
    """Ids of the transaction, by which windows are found of one that is known no more."""
    reading = fields.reader.reading
    rest = {name: value for name, value in row.items() if name not in ("transaction_id", "label", "available_at")}
    faults = [
        (name, "is a field that nobody reads")
        if name not in reading.preset.entities
        else (name, f"must be text of at most {LONGEST_ID} letters, or a whole number")
        for name, value in rest.items()
        if name not in reading.preset.entities or not _is_id(value)
    ]
    if faults:
        raise refusal_of_fields(faults)
    if reading.hash_key is not None and rest.get("card_id") is not None:
        rest["card_id"] = keyed_hash(str(rest["card_id"]), key=reading.hash_key)
    return rest or None


def _is_id(value: object) -> bool:
    return value is None or type(value) is int or (type(value) is str and 0 < len(value) <= LONGEST_ID)
