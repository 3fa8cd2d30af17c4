"""A notice to a program: its JSON on standard input."""

import os
import subprocess
from collections.abc import Sequence

from pipeline.notices.notice import Notice
from pipeline.notices.webhook import DeliveryError

EVENT = "HARBOR_EVENT"
"""The variable in which the program finds what kind of notice it is."""


def run_hook(command: Sequence[str], notice: Notice, *, timeout: float) -> None:
    """Run a program once with a notice; what it prints is not shown.

    Args:
        command: program and arguments; no shell reads them.
        notice: what it gets.
        timeout: seconds after which it is ended.

    Raises:
        DeliveryError: it is not there, ends with another code than 0, or takes too long.
    """
    try:
        done = subprocess.run(
            list(command),
            input=notice.body + b"\n",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            env={**os.environ, EVENT: notice.kind},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"it took longer than {timeout:g} s") from None
    except OSError as error:
        raise DeliveryError(f"it cannot be run ({error.strerror})", final=True) from None
    if done.returncode:
        raise DeliveryError(f"it ended with {done.returncode}")
