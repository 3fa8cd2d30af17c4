"""Every benchmark as `name  ours  peer  ratio`; seconds on this machine, compared within one run."""

import argparse
import importlib
import os
from pathlib import Path

from tests.benches import peer_interpreters

FOLDER = Path(__file__).parent


def main() -> None:
    names = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", choices=names, help="one of them; all where it is left out")
    parser.add_argument("--data", help="a transaction file to measure on, where the benchmark takes one")
    parser.add_argument("--river", help="a Python interpreter that has river, for the benchmark of online features")
    arguments = parser.parse_args()
    if arguments.river:
        os.environ[peer_interpreters.RIVER] = arguments.river
    for name in [arguments.bench] if arguments.bench else names:
        module = importlib.import_module(f"tests.benches.bench_{name}")
        print(f"\n{name}\n{module.HEADING}" if hasattr(module, "HEADING") else _heading(name), flush=True)
        for label, ours, peer in module.bench(arguments.data):
            print(f"{label:<44} {ours:>10.4g} {peer:>10.4g} {peer / ours:>10.2f}", flush=True)


def _heading(name: str) -> str:
    return f"\n{name:<44} {'ours s':>10} {'peer s':>10} {'peer/ours':>10}"


if __name__ == "__main__":
    main()
