"""How many threads a job may use."""

import os


def cpu_threads(configured: int) -> int:
    """The configured number of threads, or, where it is 0, the processors this process may run on."""
    return configured or len(os.sched_getaffinity(0))
