"""A report in JSON's own types before anybody reads it: pages and pictures know an undefined number by its null."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def json_values(value: Any) -> Any:
    """The same tree of JSON's own types: NaN and infinities become null, arrays lists, numpy numbers Python's.

    >>> json_values({"ece": np.float64("nan"), "rows": np.arange(2), "passed": np.True_})
    {'ece': None, 'rows': [0, 1], 'passed': True}
    """
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return json_values(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
