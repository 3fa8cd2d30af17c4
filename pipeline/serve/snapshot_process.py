"""A snapshot made by another process, which replays the log: the one that serves neither pauses nor forks."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.serve.refusal import RefusalError

NICE = "19"


async def made_snapshot(folder: Path) -> dict[str, Any]:
    """Bring the snapshots of a serving folder up to its log.

    Raises:
        RefusalError: 500, the process ended otherwise than well.
    """
    command = (sys.executable, "-m", "pipeline.cli", "state", "compact", "--log", str(folder))
    process = await asyncio.create_subprocess_exec(
        "nice",
        "-n",
        NICE,
        *command,
        env={**os.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    text = told.decode("utf-8", "replace").strip()
    if process.returncode:
        raise RefusalError(500, f"harbor state compact ended with {process.returncode}: {text[-500:]}")
    return {"said": text}
