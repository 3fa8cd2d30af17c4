"""Many rows in one body, a line each: answered in their order, each after the ones before it."""

from collections.abc import Callable

import orjson

from pipeline.serve.admission import next_turn
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import LINES, Reply, Service
from pipeline.serve.strict_body import strict_lines

MOST_LINES = 10_000
AT_ONCE = 16
"""Lines after which other requests have their turn."""


class LineAnswers:
    """Answers bodies of many lines.

    A line that is refused says so in its place, with its status, and the ones behind it are answered all the same.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def reply(self, body: bytes, answered: Callable[[bytes], Reply]) -> Reply:
        """One line for each line of a body.

        Raises:
            RefusalError: there are too many, or none.
        """
        found, offset = [], -1
        for number, line in enumerate(strict_lines(body, most=MOST_LINES), start=1):
            reply = self._line(line, answered)
            found.append(reply.body)
            offset = max(offset, reply.offset)
            if number % AT_ONCE == 0:
                await next_turn()
        return Reply(200, b"\n".join(found) + b"\n", offset, content=LINES)

    def _line(self, line: bytes, answered: Callable[[bytes], Reply]) -> Reply:
        try:
            return answered(line)
        except RefusalError as refusal:
            self._service.metrics.add("refusals", str(refusal.status))
            told = {"error": refusal.problem, "fields": refusal.fields, "status": refusal.status}
            return Reply(refusal.status, orjson.dumps(told))
