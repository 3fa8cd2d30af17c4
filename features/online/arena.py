"""One array of whole numbers that holds all of a state, and regions cut from it.

The array is reserved at once and far larger than needed: memory that nobody wrote to costs nothing, so growing copies
no state and stalls no call. Where everything lies is decided by the events alone, so the words up to `NEXT` are the
state: they are its snapshot, and their digest is its digest.

Legend: an address is the index of a word; 0 is the address of nothing. Regions that are no longer used are kept in
lists by their kind, each linked by its first word.
"""

import mmap
import sys

import numpy as np

from features.errors import InputError
from features.windows.compilation import compiled
from features.windows.kernels import Int64

NEXT = 0
"""The first word that was never used."""
NEWEST = 1
"""The latest event_time that was accepted."""
ACCEPTED = 2
"""Rows that were accepted."""
LATE = 3
"""Accepted rows that were earlier than the latest one."""
TOO_LATE = 4
"""Rows that were answered and not kept, because they came later than `LATENESS` allows."""
LATENESS = 5
"""How far behind the newest row a row may be, microseconds."""
AHEAD = 6
"""How far before the newest row a row may be, microseconds."""
REMEMBERED = 7
"""How long ids of rows are known, microseconds of event_time."""
LARGEST = 8
"""Words of the largest region so far: what the next event may need is a multiple of it."""
STORES, STORE_COUNT = 9, 10
"""Where the stores' records begin, and how many there are."""
SCRATCH, GROUPS = 11, 12
"""Where a head lies that questions about another moment use, and the heads of the row in hand, one a store."""
KNOWN, KNOWN_KIND = 13, 14
"""Where the chain of known rows lies, with their table behind it, and the record of its kind."""
LISTS = 16
"""The first of the lists of regions of 2^k words."""
OWN_LISTS = LISTS + 48
"""The first of the lists that have a kind of their own."""

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
"""Python names the flag from 3.13 on."""
BEGINNING = -(2**61)
"""A time before all times."""
FOREVER = 2**60
"""A length of time that none exceeds."""
RESERVED = 2**33
"""Words of an array, 64 GiB, unless another number is asked for."""


def reserved_words(words: int, *, fewest: int) -> Int64:
    """An array of zeros that takes memory only where it is written to.

    Args:
        words: how many, if the system promises memory that it may not have.
        fewest: how many at least; where it promises less than asked for, as many halvings as it takes are made.

    Raises:
        InputError: the system does not give the fewest.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    while words >= fewest:
        try:
            return np.frombuffer(mmap.mmap(-1, words * 8, flags=flags), np.int64)
        except (OSError, OverflowError):
            words //= 2
    raise InputError(f"a state must have memory for {fewest * 8} bytes at once, but the system refuses them")


@compiled
def region(memory: Int64, words: int, unused: int) -> int:
    """The address of `words` words, taken from the list at `unused` or from the end; what is in them is undefined."""
    address = memory[unused]
    if address:
        memory[unused] = memory[address]
        return int(address)
    address = memory[NEXT]
    memory[NEXT] = address + words
    memory[LARGEST] = max(memory[LARGEST], words)
    return int(address)


@compiled
def give_back(memory: Int64, address: int, unused: int) -> None:
    """Put a region on the list at `unused`."""
    memory[address] = memory[unused]
    memory[unused] = address


@compiled
def list_of(words: int) -> int:
    """The list of regions of `words` words, a power of two."""
    exponent = 0
    while (1 << exponent) < words:
        exponent += 1
    return LISTS + exponent
