"""How many threads a job may use, and how much memory it took."""

import contextlib
import os
import resource
from pathlib import Path

GIBIBYTE = 1 << 30


PROCESS = Path("/proc/self")


def cpu_threads(configured: int) -> int:
    """The configured number of threads, or, where it is 0, the processors this process may run on."""
    return configured or len(os.sched_getaffinity(0))


def reset_peak_memory() -> None:
    """Begin a new peak for `peak_memory`; without Linux's /proc the peak stays that of the whole process."""
    with contextlib.suppress(OSError):
        (PROCESS / "clear_refs").write_text("5")


def peak_memory() -> int:
    """The most memory this process held at once since the last reset, in bytes; children do not count."""
    with contextlib.suppress(OSError):
        for line in (PROCESS / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
