"""A lock in an object store: who works on a run, for machines that share nothing but the store.

Without a conditional write, exclusion comes from order: each job first writes a claim of its own and then lists all.
On a store whose listings are consistent (S3, GCS), of two jobs the later one sees the other's claim and withdraws, so
both may withdraw and never both stay. A claim is renewed while its job lives; one that was not renewed for LEASE
seconds, by the store's own clock, belongs to a job that is dead.
"""

import contextlib
import json
import os
import platform
import random
import threading
import time
from collections.abc import Iterator

from pipeline.storage.locks import LockedError
from pipeline.storage.object_store import Remote

LEASE = 120.0
RENEWAL = 20.0
TRIES = 5
LONGEST_CLAIM = 4096
ASKED, HELD = "asked", "held"


class Claim:
    """A claim that is held, and renewed in a thread of its own until it is released."""

    def __init__(self, folder: Remote, owner: str) -> None:
        self._folder, self._own = folder, folder.child(owner)
        self._ended = threading.Event()
        self._lost = False
        self._renewer = threading.Thread(target=self._renew, name="claim", daemon=True)

    def check(self) -> None:
        """Make sure the claim still stands, before something is written under it.

        Raises:
            LockedError: it lapsed while this machine slept or was cut off, and another job may have taken over.
        """
        if self._lost or self._own.listed() is None:
            raise LockedError(f"the claim on {self._folder.uri} lapsed, and another job may have taken over")

    def keep(self) -> None:
        """Begin to renew the claim."""
        self._renewer.start()

    def release(self) -> None:
        """Give the claim up, unless it was lost before."""
        self._ended.set()
        self._renewer.join(timeout=RENEWAL)
        if not self._lost:
            with contextlib.suppress(OSError):
                self._own.remove()

    def _renew(self) -> None:
        while not self._ended.wait(RENEWAL):
            with contextlib.suppress(OSError):  # the store may come back before the lease ends
                if self._own.listed() is None:
                    self._lost = True
                    return
                self._own.put(_content(HELD))


@contextlib.contextmanager
def claimed(folder: Remote, owner: str, *, what: str) -> Iterator[Claim]:
    """Hold the one claim in a folder of claims while the `with` block lasts.

    Args:
        folder: where claims are written, one object a job.
        owner: a name of the job's working folder; a job that was killed there finds its own claim and goes on at once.
        what: what is claimed, as the message shall say.

    Raises:
        LockedError: another job holds it, or held it until less than LEASE seconds ago.
    """
    _take(folder, owner, what)
    claim = Claim(folder, owner)
    claim.keep()
    try:
        yield claim
    finally:
        claim.release()


def _take(folder: Remote, owner: str, what: str) -> None:
    own = folder.child(owner)
    for _ in range(TRIES):
        own.put(_content(ASKED))
        live, lapsed = _others(folder, owner)
        if not live:
            own.put(_content(HELD))
            for name in lapsed:
                folder.child(name).remove()
            return
        own.remove()
        claims = [_read(folder.child(name)) for name in live]
        if held := [each for each in claims if each.get("state") == HELD]:
            raise LockedError(f"another job is working on {what}: {_holder(held[0])}")
        time.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - parts jobs that ask at the same time
    raise LockedError(f"other jobs are asking for {what} at the same time; try again")


def _others(folder: Remote, owner: str) -> tuple[list[str], list[str]]:
    """Names of the other claims that were renewed within the lease, and of those that were not."""
    found = folder.files(deep=False)
    if owner not in found:
        raise LockedError(f"the claim on {folder.uri} was removed while it was made")
    oldest = found[owner].modified - LEASE * 1e9
    others = [name for name in found if name != owner]
    return (
        [name for name in others if found[name].modified >= oldest],
        [name for name in others if found[name].modified < oldest],
    )


def _content(state: str) -> bytes:
    claim = {"state": state, "host": platform.node(), "process": os.getpid()}
    return json.dumps(claim, sort_keys=True).encode()


def _read(claim: Remote) -> dict[str, object]:
    try:
        found = json.loads(claim.content(limit=LONGEST_CLAIM) or b"{}")
    except ValueError:
        return {"state": HELD}
    return found if isinstance(found, dict) else {"state": HELD}


def _holder(claim: dict[str, object]) -> str:
    return (
        f"process {claim.get('process', '?')} on {claim.get('host', '?')}; "
        f"if it was killed, its claim lapses within {LEASE:.0f} seconds"
    )
