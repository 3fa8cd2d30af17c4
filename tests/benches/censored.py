"""Is a model judged right where a policy blocked rows? `python -m tests.benches.censored [--seeds 1 2 ...]`.

In each simulated world an earlier policy blocks its top scores and their labels are lost. A booster learns from what is
left, an affine map is fitted on calib, and the model is judged on test three times: on the labels that are left
(naive), on the same with inverse propensity weights (weighted), and on every row with every label (truth). Some fifteen
seconds of one core a world.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from evaluation.statistics.approval import approval_weights
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import brier_skill, observed_expected
from features.simulate.simulated import simulate_transactions
from features.split import Folds, LabelsConfig, SplitConfig, time_folds
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from models.calibration import fit_affine
from models.options import CalibrationConfig

ROWS = 400_000
CATEGORICAL = ("merchant_category", "merchant_region", "channel")
PARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 6,
    "eta": 0.15,
    "tree_method": "hist",
    "max_bin": 64,
    "min_child_weight": 10,
    "reg_lambda": 5.0,
    "colsample_bytree": 0.5,
    "nthread": 1,
    "seed": 7,
}
ROUNDS = 100
SEEDS = tuple(range(1, 11))
"""Worlds of the table."""
CHOSEN_ON = tuple(range(7_001, 7_005))
"""Worlds on which caps are chosen: none of the table."""
TRAINING_CAPS = (1.0, 2.0, 5.0, 10.0, 25.0)
JUDGING_CAPS = (5.0, 10.0, 15.0, 25.0)
MEASURES = {"O/E": observed_expected, "AP": average_precision, "Brier skill": brier_skill}


@dataclass(frozen=True)
class CensoredWorld:
    """Rows [N] of one world in order of time: what models see, what the bank knows, and what it cannot know.

    Attributes:
        inputs: [N, D].
        event_time: microseconds.
        amount: major units.
        known: label as the bank knows it, NaN where it does not.
        label: every label.
        approval: probability with which the policy let each row through.
        folds: as `harbor.toml` cuts them.
    """

    inputs: np.ndarray
    event_time: np.ndarray
    amount: np.ndarray
    known: np.ndarray
    label: np.ndarray
    approval: np.ndarray
    folds: Folds

    def usable(self, fold: str) -> np.ndarray:
        """Places of the rows of a fold whose label may be used there."""
        places: np.ndarray = np.flatnonzero(self.folds.rows(fold) & self.folds.usable)
        return places


def main(given: Sequence[str] | None = None) -> None:
    """Print the table of the worlds asked for, or what every cap does on worlds of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS, help="worlds of the table")
    parser.add_argument("--choose", action="store_true", help="compare caps instead, on other worlds")
    parser.add_argument("--rows", type=int, default=ROWS)
    asked = parser.parse_args(given)
    begun = time.perf_counter()
    if asked.choose:
        print_choices(asked.rows)
    else:
        print_table(asked.seeds, rows=asked.rows)
    print(f"\n{(time.perf_counter() - begun) / 60:.1f} minutes")


def print_table(seeds: Sequence[int], *, rows: int) -> None:
    """Every world in a line, and how often the weighted number is closer to the truth than the naive one."""
    config = LabelsConfig()
    print(
        "seed  " + "".join(f"{name + ' naive':>18}{'weighted':>10}{'truth':>10}" for name in MEASURES) + "   eff. rows"
    )
    found = []
    for seed in seeds:
        world = censored_world(seed, rows=rows)
        p = fitted(world, training_cap=config.training_approval_cap, judging_cap=config.approval_cap)
        judged = judged_three_ways(world, p, cap=config.approval_cap)
        found.append([[measure(r.labels, q, weight=r.weight) for r, q in judged] for measure in MEASURES.values()])
        line = "".join(f"{naive:>18.3f}{weighted:>10.3f}{truth:>10.3f}" for naive, weighted, truth in found[-1])
        print(f"{seed:<6}{line}   {judged[1][0].effective_rows:,.0f} of {judged[1][0].labels.size:,}", flush=True)
    for name, values in zip(MEASURES, np.moveaxis(np.array(found), 1, 0), strict=True):
        naive, weighted = (np.abs(values[:, arm] - values[:, 2]) for arm in (0, 1))
        print(
            f"{name:<12} mean distance from the truth: naive {naive.mean():.3f}, weighted {weighted.mean():.3f}; "
            f"mean error {np.mean(values[:, 0] - values[:, 2]):+.3f}, {np.mean(values[:, 1] - values[:, 2]):+.3f}; "
            f"weighted closer in {int((weighted < naive).sum())} of {len(seeds)}"
        )


def print_choices(rows: int) -> None:
    """The truth of models trained with each cap, and the error of judgements with each cap, means over worlds."""
    truths: dict[float, list[list[float]]] = {cap: [] for cap in TRAINING_CAPS}
    errors: dict[float, list[list[float]]] = {cap: [] for cap in (1.0, *JUDGING_CAPS)}
    default = LabelsConfig()
    for seed in CHOSEN_ON:
        world = censored_world(seed, rows=rows)
        for cap in TRAINING_CAPS:
            p = fitted(world, training_cap=cap, judging_cap=default.approval_cap)
            truths[cap].append(measured(judged_three_ways(world, p, cap=default.approval_cap)[2]))
            if cap == default.training_approval_cap:
                for judging, kept in errors.items():
                    _, weighted, truth = judged_three_ways(world, p, cap=judging)
                    kept.append([a - b for a, b in zip(measured(weighted), measured(truth), strict=True)])
        print(f"  world {seed} done", flush=True)
        _print_means(truths, errors)


def _print_means(truths: dict[float, list[list[float]]], errors: dict[float, list[list[float]]]) -> None:
    print(f"truth of models trained with weights of at most\n{'':10}" + _titles())
    for cap, values in truths.items():
        print(f"{cap:<10g}" + "".join(f"{value:>14.3f}" for value in np.mean(values, axis=0)))
    print(f"root mean square error (and mean) of judgements with weights of at most\n{'':10}" + _titles(24))
    for cap, values in errors.items():
        each = np.array(values)
        cells = zip(np.sqrt((each**2).mean(axis=0)), each.mean(axis=0), strict=True)
        print(f"{cap:<10g}" + "".join(f"{f'{error:.3f} ({mean:+.3f})':>24}" for error, mean in cells))


def _titles(width: int = 14) -> str:
    return "".join(f"{name:>{width}}" for name in MEASURES)


def measured(judged: tuple[JudgedRows, Floats]) -> list[float]:
    """Every measure of some rows and what a model says of them."""
    rows, p = judged
    return [measure(rows.labels, p, weight=rows.weight) for measure in MEASURES.values()]


def censored_world(seed: int, *, rows: int = ROWS) -> CensoredWorld:
    """One world of the scenario, its folds and the default features with a column for each small category."""
    drawn = simulate_transactions(rows, seed=seed, scenario="censored")
    table = drawn.transactions
    minor = np.rint(table["amount"].to_numpy() * 100).astype(np.int64)
    blocked = pc.equal(table["action"], "blocked").to_numpy()
    label = pa.array(drawn.label, mask=blocked)
    moment = pa.array(table["label_available_at"].cast(pa.int64()).fill_null(0).to_numpy(), mask=blocked)
    known = table.append_column("amount_minor", pa.array(minor))
    for name, values in (("label", label), ("label_available_at", moment.cast(table["event_time"].type))):
        known = known.set_column(known.column_names.index(name), name, values)
    event_time = known["event_time"].cast(pa.int64()).to_numpy()
    labels = np.where(blocked, np.nan, drawn.label).astype(np.float32)
    available = pc.fill_null(known["label_available_at"].cast(pa.int64()), 0).to_numpy()
    return CensoredWorld(
        inputs=model_inputs(known),
        event_time=event_time,
        amount=known["amount"].to_numpy(),
        known=labels,
        label=drawn.label.astype(np.float64),
        approval=known["approval_probability"].to_numpy(),
        folds=time_folds(event_time, labels, available, split=SplitConfig(), delay=7 * DAY, as_of=None),
    )


def model_inputs(table: pa.Table) -> np.ndarray:
    """Every numeric feature and a column for each value of the small categories [N, D]."""
    spec = feature_spec(FeaturesConfig(), columns=table.column_names, numeric=("distance_km",))
    features = window_features(table, spec=spec, threads=1)
    columns = [pc.fill_null(features[name].cast(pa.float32()), np.nan).to_numpy() for name in spec.numeric]
    for name in CATEGORICAL:
        codes = table[name].combine_chunks().dictionary_encode()
        values = codes.dictionary.to_pylist()
        columns += [(codes.indices.to_numpy() == values.index(each)).astype(np.float32) for each in sorted(values)]
    return np.column_stack(columns)


def fitted(world: CensoredWorld, *, training_cap: float, judging_cap: float) -> Floats:
    """P(fraud) of every row: a booster of train's rows, an affine map of calib's, weights at most as said [N]."""
    train, calib = world.usable("train"), world.usable("calib")
    weight = approval_weights(world.approval, cap=training_cap).weight[train]
    data = xgboost.QuantileDMatrix(
        world.inputs[train], world.known[train], weight=weight / weight.mean(), max_bin=PARAMETERS["max_bin"]
    )
    booster = xgboost.train(PARAMETERS, data, ROUNDS)
    margins = booster.inplace_predict(world.inputs, predict_type="margin").astype(np.float64)
    weights = approval_weights(world.approval, cap=judging_cap).weight[calib]
    found = fit_affine(world.known[calib], margins[calib], config=CalibrationConfig(), weights=weights)
    result: Floats = found.apply(margins)
    return result


def judged_three_ways(world: CensoredWorld, p: Floats, *, cap: float) -> list[tuple[JudgedRows, Floats]]:
    """Rows of test with what the model says of them: naive, weighted, and the truth."""
    test = np.flatnonzero(world.folds.rows("test"))
    left = test[np.isfinite(world.known[test])]
    weight = approval_weights(world.approval[left], cap=cap).weight
    arms = ((left, world.known, None), (left, world.known, weight), (test, world.label, None))
    return [
        (
            JudgedRows(labels[rows].astype(np.float64), world.event_time[rows], world.amount[rows], weight=weights),
            p[rows],
        )
        for rows, labels, weights in arms
    ]


if __name__ == "__main__":
    main()
