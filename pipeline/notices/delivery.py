"""Notices on their way: sent beside the work, again where that failed, and never in its way."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from pipeline.notices.command_hook import run_hook
from pipeline.notices.notice import Notice
from pipeline.notices.webhook import DeliveryError, post
from pipeline.sections import NotifyConfig
from pipeline.storage.errors import InputError

Tell = Callable[[Notice], None]
Way = Callable[[Notice], None]
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each later pause is twice as long."""


@contextmanager
def notices(
    config: NotifyConfig, *, warn: Callable[[str], None], environment: Mapping[str, str] | None = None
) -> Iterator[Tell]:
    """A function that sends a notice on every way there is and returns at once; the end waits for what is under way.

    The wait is `patience` seconds at most for all, and what did not arrive is a warning: no command fails for a notice.

    Args:
        config: the ways, and how often and how long to try.
        warn: is told what did not arrive.
        environment: holds the webhook's address and key; None for the process's own.

    Raises:
        InputError: the environment's address is no web address.
    """
    ways = _ways(config, os.environ if environment is None else environment)
    under_way: list[_Sending] = []

    def tell(notice: Notice) -> None:
        under_way.extend(_Sending(name, way, notice, attempts=config.attempts) for name, way in ways.items())

    try:
        yield tell
    finally:
        end = time.monotonic() + config.patience
        for each in under_way:
            each.wait(max(end - time.monotonic(), 0.0))
            if each.fault:
                warn(f"a notice of {each.notice.kind} did not reach {each.name}: {each.fault}")


def _ways(config: NotifyConfig, environment: Mapping[str, str]) -> dict[str, Way]:
    url = environment.get(config.webhook_env, "") or config.webhook
    if url and not url.startswith(("https://", "http://")):
        raise InputError(f"{config.webhook_env} must be an address that begins with https:// or http://")
    key = environment.get(config.sign_key_env, "").encode() or None
    ways: dict[str, Way] = {}
    if url:
        ways["the webhook"] = partial(post, url, key=key, timeout=config.timeout)
    if config.command:
        ways[f"the command {config.command[0]}"] = partial(run_hook, config.command, timeout=config.timeout)
    return ways


class _Sending:
    """One notice on one way, in a thread that does not keep the process from ending."""

    def __init__(self, name: str, way: Way, notice: Notice, *, attempts: int) -> None:
        self.name, self.notice = name, notice
        self.fault = "it was still under way when the command ended"
        self._way, self._attempts = way, attempts
        self._thread = threading.Thread(target=self._send, name=f"notice to {name}", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until it is through, but no longer than this."""
        self._thread.join(seconds)

    def _send(self) -> None:
        for attempt in range(self._attempts):
            try:
                self._way(self.notice)
            except DeliveryError as error:
                fault = f"{error} (attempt {attempt + 1} of {self._attempts})"
                if error.final or attempt + 1 == self._attempts:
                    self.fault = fault
                    return
                time.sleep(FIRST_PAUSE * 2**attempt)
            else:
                self.fault = ""
                return
