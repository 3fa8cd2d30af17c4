"""Nine of river's rolling statistics of every card, a row at a time; run by an interpreter that has river alone.

Rows come as JSON on standard input, [card, microseconds, minor units] each; what a row took goes to standard output.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta

import river
from river import stats, utils

KINDS = (stats.Sum, stats.Mean, stats.Var)
SPANS = tuple(timedelta(days=days) for days in (1, 7, 30))

rows = [
    (card, datetime.fromtimestamp(at / 1e6, UTC).replace(tzinfo=None), minor / 100)
    for card, at, minor in json.load(sys.stdin)
]
cards: dict[str, list[utils.TimeRolling]] = {}
started = time.process_time()
for card, moment, amount in rows:
    if card not in cards:
        cards[card] = [utils.TimeRolling(kind(), span) for span in SPANS for kind in KINDS]
    for statistic in cards[card]:
        statistic.get()
        statistic.update(amount, t=moment)
took = (time.process_time() - started) / len(rows) * 1e6
print(json.dumps({"version": river.__version__, "microseconds": took}))
