"""The last steps of a value, from whole numbers to a float: the same few operations for a table and for one row.

Everything before them is exact, so whoever counts the same rows and ends here has the same bits.
"""

import math

import numpy as np

from features.windows.compilation import compiled

LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)


@compiled
def quotient(numerator: float, denominator: float) -> float:
    """Numerator / denominator, NaN where the denominator is 0."""
    return numerator / denominator if denominator != 0 else np.nan


@compiled
def seconds(microseconds: int) -> float:
    """A length of time in seconds."""
    return microseconds / 1e6


@compiled
def deviation(high: np.uint64, low: np.uint64, total: np.uint64, count: int) -> float:
    """Sample standard deviation of amounts, NaN under two: the square root of `sample_variance`."""
    return math.sqrt(sample_variance(high, low, total, count)) if count > 1 else np.nan


@compiled
def sample_variance(high: np.uint64, low: np.uint64, total: np.uint64, count: int) -> float:
    """Sample variance (Q - S²/n) / (n - 1) of n > 1 amounts from their sum S and the sum Q of their squares.

    Q and S² are kept in 128 bits and S²/n = q + r/n is divided exactly, so nothing cancels: Q - q is a whole number and
    r/n < 1. Where S fits in 63 bits Q cannot overflow either, because amounts are not negative: Q ≤ S² < 2^126.

    Args:
        high: upper 64 bits of Q.
        low: lower 64 bits of Q.
        total: S in minor units.
        count: n.
    """
    square_high, square_low = square(total)
    if high == np.uint64(0) and square_high == np.uint64(0):
        whole, rest = square_low // np.uint64(count), square_low % np.uint64(count)
        return (float(low - whole) - float(rest) / count) / (count - 1)
    divisor = np.uint64(count)
    rest = square_high % divisor
    whole_high = square_high // divisor
    upper = (rest << SHIFT_32) | (square_low >> SHIFT_32)
    rest = upper % divisor
    lower = (rest << SHIFT_32) | (square_low & LOW_32)
    rest = lower % divisor
    whole_low = ((upper // divisor) << SHIFT_32) | (lower // divisor)
    over_high = high - whole_high - np.uint64(low < whole_low)
    over = float(over_high) * 2.0**64 + float(low - whole_low) - float(rest) / count
    return over / (count - 1)


@compiled
def square(value: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Upper and lower 64 bits of the square of a number below 2^63."""
    high, low = value >> SHIFT_32, value & LOW_32
    middle = (high * low) << np.uint64(1)
    square_low = low * low
    total = square_low + (middle << SHIFT_32)
    return high * high + (middle >> SHIFT_32) + np.uint64(total < square_low), total
