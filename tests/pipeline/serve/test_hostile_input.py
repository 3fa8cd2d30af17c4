"""Whatever is sent, the answer names what is wrong, repeats no value, is quick, and the state stays as it is."""

import json
import time

import pytest

from pipeline.serve.refusal import RefusalError
from pipeline.serve.web_app import ROW_BYTES
from tests.fixtures.live_service import asked

MILLISECOND = 1e-3
SECRET = "Zk9-Walter-White-77"
CARD = "4111111111111111"
TRIES = 15
"""The fastest of so many is what a request takes: a shared machine is never quiet for long."""


def deep(depth):
    return b'{"amount": ' + b"[" * depth + b"]" * depth + b"}"


def changed(row, **given):
    return json.dumps({**row, **given}).encode()


def without(row, *names):
    return json.dumps({name: value for name, value in row.items() if name not in names}).encode()


def catalogue(row):
    """Bodies, each with the status and the field that its answer must name, "" where there is none."""
    text = json.dumps(row).encode()
    return {
        "empty": (b"", 400, ""),
        "no json": (SECRET.encode(), 400, ""),
        "deep": (deep(400), 422, "amount"),
        "deeper than any parser goes": (deep(30_000), 400, ""),
        "a list": (b"[" + text + b"]", 422, ""),
        "two objects": (text + text, 400, ""),
        "cut short": (text[:-4], 400, ""),
        "no utf-8": (text.replace(b"next-0", b"\xff\xfe"), 400, ""),
        "half a surrogate": (text.replace(b"next-0", rb"\ud800"), 400, ""),
        "nan": (text[:-1] + b', "distance_km": NaN}', 400, ""),
        "infinite": (text.replace(b'"amount": ', b'"amount": 1e400, "x": '), 400, ""),
        "a key twice": (text[:-1] + f', "card_id": "{SECRET}"}}'.encode(), 422, "card_id"),
        "a key twice behind an escape": (text[:-1] + rb', "card\u005fid": "b"}', 422, "card_id"),
        "an unknown field": (changed(row, colour=SECRET), 422, "colour"),
        "a card number as a field": (changed(row, **{CARD: 1}), 422, "…"),
        "a card number as the card": (changed(row, card_id=CARD), 422, "card_id"),
        "a card number in groups": (changed(row, merchant_id="4111 1111 1111 1111"), 422, "merchant_id"),
        "a card number as the id": (changed(row, transaction_id=int(CARD)), 422, "transaction_id"),
        "a card number as a category": (changed(row, channel=f"pan={CARD}"), 422, "channel"),
        "a card number as the time": (changed(row, event_time=CARD), 422, "event_time"),
        "a nested amount": (changed(row, amount={"value": SECRET}), 422, "amount"),
        "a list of ids": (changed(row, card_id=[SECRET]), 422, "card_id"),
        "an amount in words": (changed(row, amount=SECRET.translate({55: None, 57: None})), 422, "amount"),
        "a negative amount": (changed(row, amount=-12.75), 422, "amount"),
        "an amount beyond all": (changed(row, amount=1e300), 422, "amount"),
        "an amount that is true": (changed(row, amount=True), 422, "amount"),
        "no amount": (without(row, "amount"), 422, "amount"),
        "a blank amount": (changed(row, amount=None), 422, "amount"),
        "a time in words": (changed(row, event_time="yesterday"), 422, "event_time"),
        "a time that is a number": (changed(row, event_time=1714557600), 422, "event_time"),
        "no time": (without(row, "event_time"), 422, "event_time"),
        "a clock ahead": (changed(row, event_time="2031-01-01T00:00:00Z"), 422, "event_time"),
        "an id that is a fraction": (changed(row, card_id=1.5), 422, "card_id"),
        "an id beyond 64 bits": (changed(row, card_id=2**63), 422, "card_id"),
        "an id that is false": (changed(row, card_id=False), 422, "card_id"),
        "no id": (without(row, "transaction_id"), 422, "transaction_id"),
        "a blank id": (changed(row, transaction_id=""), 422, "transaction_id"),
        "64 KiB and a byte": (b'{"card_id": "' + b"x" * 65_536 + b'"}', 413, ""),
        "ten million bytes": (b'{"card_id": "' + b"x" * 10_000_000 + b'"}', 413, ""),
        "ten thousand fields": (json.dumps({f"f{place}": 1 for place in range(4000)}).encode(), 422, ""),
    }


NAMES = sorted(catalogue({"transaction_id": "next-0", "amount": 1.0, "card_id": "a", "merchant_id": "m"}))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_by_name_and_never_by_value(app, rows, name):
    body, status, field = catalogue(rows[0])[name]
    digest, offset = app.service.engine.digest(), app.service.engine.offset
    found = asked(app, "/v1/score", body)
    assert (found.status, field in (*found.json["fields"], "")) == (status, True), found.body
    assert not [value for value in (SECRET, CARD, "12.75", "1e300", "yesterday") if value.encode() in found.body]
    assert len(found.body) < 2000
    assert (app.service.engine.digest(), app.service.engine.offset) == (digest, offset)
    assert asked(app, "/v1/score", rows[0]).status == 200


def test_each_refusal_takes_less_than_a_millisecond(app, rows, record_property):
    took = {}
    for name, (body, _, _) in catalogue(rows[0]).items():
        asked(app, "/v1/score", body)
        took[name] = min(seconds_of(app, body) for _ in range(TRIES))
    slow = {name: seconds for name, seconds in took.items() if seconds >= MILLISECOND}
    record_property("microseconds", {name: round(seconds * 1e6) for name, seconds in took.items()})
    assert not slow, f"{len(took) - len(slow)} of {len(took)} are quick"


def seconds_of(app, body):
    """Processor time of reading and refusing a body."""
    began = time.process_time()
    if len(body) <= ROW_BYTES:
        with pytest.raises(RefusalError):
            app.service.score(body, app.service.choices(b""))
    return time.process_time() - began


def test_ids_that_come_twice_with_other_content_stay_as_they_were(app, rows):
    asked(app, "/v1/score", rows[0])
    digest = app.service.engine.digest()
    for given in ({"amount": 12.75}, {"card_id": SECRET}, {"event_time": rows[1]["event_time"]}):
        found = asked(app, "/v1/score", changed(rows[0], **given))
        assert (found.status, set(given) <= set(found.json["fields"])) == (409, True)
        assert SECRET.encode() not in found.body
    assert app.service.engine.digest() == digest
