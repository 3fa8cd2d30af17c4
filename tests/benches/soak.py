"""A service under a steady load for as long as it is told: memory, latencies and what the audit finds, a line a minute.

`python -m tests.benches.soak --data RUN [--seconds 3600] [--rate 200]`; bounded, on loopback. It ends with 1 where a
value differed from the batch functions, an answer was none, or memory went on growing once the first tenth was over.
"""

import argparse
import json
import re
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.benches.bench_serve import load, served, transactions

STEP = 60
GROWTH = 1.25
"""Memory at the end, of that behind the first tenth, beyond what the state itself took."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a finished run")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=200)
    given = parser.parse_args()
    rows = transactions(given.data, given.seconds * given.rate)
    with tempfile.TemporaryDirectory(prefix="harbor-soak-") as folder, served(given.data, Path(folder) / "s") as found:
        sys.exit(soaked(rows, *found, seconds=given.seconds, rate=given.rate))


def soaked(rows, port, process, *, seconds, rate):
    memory, bad = [], 0
    for begun in range(0, seconds, STEP):
        bodies = [json.dumps(next(rows)).encode() for _ in range(rate * min(STEP, seconds - begun))]
        answers = load(port, bodies, rate=rate)
        scraped = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        state, mismatches, audits = (
            metric(scraped, name) for name in ("state_bytes", "audit_mismatches_total", "audits_total")
        )
        memory.append(resident(process.pid) - state)
        bad += answers["requests"] - answers["good"] + int(mismatches)
        print(
            f"{begun + STEP:>6} s  {answers['statuses']}  p50 {answers['p50']:.2f}  p99 {answers['p99']:.2f} ms  "
            f"beside the state {memory[-1] / 2**20:.1f} MiB  {mismatches:.0f} mismatches in {audits:.0f} audits",
            flush=True,
        )
    grown = memory[-1] / memory[len(memory) // 10] > GROWTH
    return int(bool(bad) or grown)


def metric(text, name):
    return float(re.search(rf"^harbor_{name} (\S+)$", text, flags=re.MULTILINE)[1])


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    main()
