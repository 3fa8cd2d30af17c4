"""Isotonic regression by the definition: max over lower ends of min over upper ends of block means."""

import numpy as np


def isotonic_means(logits, labels):
    """Fitted value of each distinct logit, in order."""
    values = np.unique(logits)
    sums = np.array([labels[logits == value].sum() for value in values])
    counts = np.array([(logits == value).sum() for value in values])
    size = len(values)
    return values, np.array(
        [
            max(
                min(sums[low : high + 1].sum() / counts[low : high + 1].sum() for high in range(at, size))
                for low in range(at + 1)
            )
            for at in range(size)
        ]
    )
