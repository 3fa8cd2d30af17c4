"""The limit that only a simulated world has: its true probabilities, made anew where they are needed.

No file of a run holds them, so that no stage can learn from them by mistake.
"""

import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.limit_section import KnownLimit
from features.simulate.history_limit import history_limit
from features.simulate.simulated import simulate_transactions
from pipeline.sections import SIMULATE, DataConfig


def simulated_limit(data: DataConfig, transaction_ids: pa.ChunkedArray) -> KnownLimit | None:
    """P(label = 1) of these rows as the simulator drew them; None where it is not known of all.

    Data of a file has no such truth, and a preset that drops the simulator's ids loses it.

    Args:
        data: [data] of the run.
        transaction_ids: of the judged rows [N].
    """
    if data.source != SIMULATE:
        return None
    world = simulate_transactions(data.rows, seed=data.seed)
    ids = world.transactions["transaction_id"].combine_chunks()
    places = pc.index_in(transaction_ids.cast(ids.type), value_set=ids)
    if places.null_count:
        return None
    return KnownLimit(world.true_probability[places.to_numpy()], history_limit())
