"""Requests that come when they come: a Poisson schedule, whose latencies count from when each was due.

A generator that waits for an answer before it sends the next request hides every queue that it makes. Here what was due
and could not be sent yet waits with its clock running. Bounded in requests and seconds, on loopback alone.

`python -m tests.benches.open_loop --port P --rate R --connections C --bodies FILE --path PATH` prints one JSON object;
with `--rate 0` each connection sends as soon as it is answered, which gives the capacity.
"""

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from pathlib import Path

import httptools
import numpy as np
import uvloop

LONGEST = 60.0
"""Seconds after which nothing more is sent."""


class Client(asyncio.Protocol):
    """A connection with one request under way at most."""

    def __init__(self, answered):
        self._answered, self._parser = answered, httptools.HttpResponseParser(self)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._parser.feed_data(data)

    def on_message_complete(self):
        status, self._parser = self._parser.get_status_code(), httptools.HttpResponseParser(self)
        self._answered(self, status)


class Load:
    """Sends requests when they are due, or as soon as a connection is free."""

    def __init__(self, requests, due):
        self.due, self.requests = due, requests
        self.latencies, self.services = np.full(len(requests), np.nan), np.full(len(requests), np.nan)
        self.statuses = np.zeros(len(requests), int)
        self.free, self.waiting, self.sent = deque(), deque(), {}
        self.left, self.done = len(requests), asyncio.Event()

    def answered(self, client, status):
        number, at = self.sent.pop(client)
        now = time.perf_counter()
        self.latencies[number] = now - (self.began + self.due[number] if self.due is not None else at)
        self.services[number], self.statuses[number] = now - at, status
        self.left -= 1
        if self.waiting:
            self.send(client, self.waiting.popleft())
        else:
            self.free.append(client)
        if not self.left or now - self.began > LONGEST:
            self.done.set()

    def send(self, client, number):
        self.sent[client] = number, time.perf_counter()
        client.transport.write(self.requests[number])

    async def run(self, port, connections):
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, client = await loop.create_connection(lambda: Client(self.answered), "127.0.0.1", port)
            self.free.append(client)
        self.began = time.perf_counter()
        for number in range(len(self.requests)):
            if self.due is not None:
                while (delay := self.began + self.due[number] - time.perf_counter()) > 0:
                    await asyncio.sleep(delay)  # a loop's clock may wake it early
            if self.free:
                self.send(self.free.popleft(), number)
            else:
                self.waiting.append(number)
            if self.done.is_set():
                break
        await asyncio.wait_for(self.done.wait(), LONGEST)
        return time.perf_counter() - self.began


def request(path, body, content="application/json"):
    head = f"POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: {content}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def measured(port, path, bodies, *, rate, connections, seed=1):
    """Latencies and statuses of the requests, in milliseconds."""
    due = np.random.default_rng(seed).exponential(1 / rate, len(bodies)).cumsum() if rate else None

    async def run():
        load = Load([request(path, body) for body in bodies], due)
        return load, await load.run(port, connections)

    load, seconds = uvloop.run(run())
    good = load.statuses == 200
    low, middle, high, highest = (np.nanpercentile(load.latencies[good] * 1e3, p) for p in (5, 50, 99, 99.9))
    return {
        "requests": int((load.statuses > 0).sum()),
        "seconds": seconds,
        "p5": low,
        "p50": middle,
        "p99": high,
        "p99.9": highest,
        "served_p99": float(np.nanpercentile(load.services[good] * 1e3, 99)),
        "good": int(good.sum()),
        "statuses": {str(status): count for status, count in Counter(load.statuses.tolist()).items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/score")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--bodies", type=Path, required=True)
    given = parser.parse_args()
    bodies = given.bodies.read_bytes().splitlines()
    print(json.dumps(measured(given.port, given.path, bodies, rate=given.rate, connections=given.connections)))


if __name__ == "__main__":
    main()
