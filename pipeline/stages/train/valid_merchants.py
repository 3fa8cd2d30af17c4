"""The merchants of valid, whose rows are no independent witnesses of a setting."""

import numpy as np
import pyarrow as pa

from models.rows import Integers


def merchant_codes(table: pa.Table, *, labelled: np.ndarray) -> Integers | None:
    """A code of its own for every merchant, -1 for none, of the labelled rows [N]; None without such a column.

    Args:
        table: feature rows.
        labelled: which of them a fit is stopped by.
    """
    if "merchant_id" not in table.column_names:
        return None
    named = table["merchant_id"].combine_chunks().dictionary_encode()
    codes: Integers = named.indices.fill_null(-1).to_numpy().astype(np.int32)[labelled]
    return codes
