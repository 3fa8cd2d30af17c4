"""Verdicts, intervals and weights on worlds of known truth: `python -m tests.benches.worlds` has all its choices.

`--data N` takes N honest worlds; nothing is timed against a peer.
"""

from tests.benches.worlds.__main__ import main

HEADING = ""


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """What the judgement makes of honest worlds, printed as it stands."""
    main(["--worlds", data or "200"])
    return []
