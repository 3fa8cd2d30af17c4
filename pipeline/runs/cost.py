"""What a run cost: seconds and memory of its stages, as their DONE files have them."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.process.hardware import GIBIBYTE
from pipeline.stages.stage import Stage
from pipeline.storage.done import read_done


def cost_line(run: Path, stages: Sequence[Stage]) -> str:
    """Seconds of every stage, of all together, and the largest memory, in one line; kept stages as they once ran.

    Each stage has the memory of its own peak, so the largest is what the job needs.
    """
    seconds: dict[str, float] = {}
    memory: dict[str, int] = {}
    for stage in stages:
        done = read_done(run / stage.name)
        if done is not None:
            seconds[stage.name] = float(done.details.get("seconds", 0.0))
            memory[stage.name] = int(done.details.get("peak_memory", 0))
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    largest = max(memory, key=lambda name: memory[name], default="no stage")
    total, peak = sum(seconds.values()), memory.get(largest, 0) / GIBIBYTE
    return f"{total:.1f} s in all ({parts}); at most {peak:.2f} GiB ({largest})"
