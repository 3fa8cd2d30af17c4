"""What a model can tell of the simulated world from history alone: a measured lower bound."""

import json
from importlib import resources
from typing import Any

FILE = "history_limit.json"


def history_limit() -> dict[str, Any]:
    """Statistics of a booster that learned from the true probabilities of far more rows, and a sentence that says so.

    `python -m tests.benches.history_limit` measures them on seeds of their own and writes the file; empty before.
    """
    file = resources.files(__package__) / FILE
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found
