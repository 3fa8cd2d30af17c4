"""A made-up run of known truth: η is drawn, outcomes follow it, and every candidate sees η through its own noise."""

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from evaluation.report.evidence import CalibRows, ChampionScores, Evidence, Note
from evaluation.selection import Setting, SettingOutcome, rank_sweep
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY

START = 1_532_563_200_000_000  # 2018-07-26T00:00:00Z
NOISE = {"logistic": 1.6, "mlp": 0.8, "mlp_unsmoothed": 1.0, "xgboost": 0.7, "hybrid": 0.55}
CALIBRATORS = ("none", "temperature", "affine", "beta", "isotonic")


def fraud_fold(rng: np.random.Generator, rows: int, *, prevalence: float = 0.018, days: int = 33, cards: int = 4000):
    """Rows of one fold and their true logits; fraud sticks to a few cards."""
    card = rng.integers(0, cards, rows)
    z = rng.normal(0, 2.4, rows) + rng.normal(0, 1.0, cards)[card]
    low, high = -20.0, 5.0
    for _ in range(40):  # intercept of the wanted prevalence
        middle = (low + high) / 2
        low, high = (middle, high) if expit(z + middle).mean() < prevalence else (low, middle)
    z = z + low
    labels = (rng.random(rows) < expit(z)).astype(float)
    time = np.sort(START + rng.integers(0, days * DAY, rows))
    amount = np.round(np.exp(rng.normal(3.4, 1.0, rows)), 2)
    category = np.array(["grocery", "fuel", "travel", "electronics", "restaurants", "gaming", "jewellery"])
    judged = JudgedRows(
        labels,
        time,
        amount,
        card,
        rng.random(rows) < 0.04,
        {"merchant_category": category[rng.choice(7, rows, p=[0.3, 0.2, 0.1, 0.12, 0.18, 0.06, 0.04])]},
    )
    return judged, z


def noisy_view(rng: np.random.Generator, z: np.ndarray, noise: float) -> np.ndarray:
    """P(fraud) from a noisy look at the true logit, calibrated by a line fitted on other outcomes of the same rows."""
    others = (rng.random((2, z.size)) < expit(z)).astype(float).ravel()
    seen = z + rng.normal(0, noise * 2, (2, z.size))
    fit = LogisticRegression(C=1e6).fit(seen.reshape(-1, 1), others)
    return fit.predict_proba((z + rng.normal(0, noise * 2, z.size)).reshape(-1, 1))[:, 1]


def made_evidence(seed: int, *, rows: int = 60_000, champion: bool = False, repeats: int = 2) -> Evidence:
    """A whole run's evidence on generated rows."""
    rng = np.random.default_rng(seed)
    test, z_test = fraud_fold(rng, rows)
    calib, z_calib = fraud_fold(rng, rows // 2, days=14)
    valid, z_valid = fraud_fold(rng, rows // 2, days=14)
    candidates = {name: noisy_view(rng, z_test, s) for name, s in NOISE.items()}
    calibrated = {name: noisy_view(rng, z_calib, s) for name, s in NOISE.items()}
    before = {name: expit(1.35 * logit(p) + (1.2 if name.startswith("mlp") else 0.1)) for name, p in candidates.items()}
    outcomes = sweep_outcomes(rng, z_valid, valid.labels, repeats=repeats)
    raw = next(o for o in outcomes if o.setting == Setting(0.0, "none", "example"))
    return Evidence(
        rows=test,
        candidates=candidates,
        ranking=rank_sweep(valid.labels, outcomes, event_time=valid.event_time),
        before=before,
        calib=CalibRows(calib, calibrated, temperature_arms(rng, calibrated)),
        temperature_test=temperature_arms(rng, candidates),
        unsmoothed_valid=(valid.labels, expit(1.5 * raw.margins + 0.4)),
        champion=ChampionScores("3", expit(0.8 * logit(candidates["xgboost"]) - 0.4), START + 2 * DAY)
        if champion
        else None,
        notes=(
            Note("data", "2 source columns that nobody names were ignored: 'device_os', 'note'."),
            Note("leak", "'fraud_scenario' is known only after the fact and was dropped."),
            Note("labels", "3.1 % of frauds and 0.4 % of legitimate rows had no mature label when train ended."),
            Note("time", "The newest training row is 35 days older than the first test row."),
        ),
        run_description={
            "as_of": "2018-08-28T00:00:00Z",
            "train_rows": 480_000,
            "train_prevalence": 0.0179,
            "name": "harbor",
        },
        configuration={"data": {"source": "simulate", "preset": "harbor", "rows": 1_000_000}, "sweep": {"repeats": 2}},
    )


def sweep_outcomes(
    rng: np.random.Generator, z: np.ndarray, labels: np.ndarray, *, repeats: int
) -> list[SettingOutcome]:
    """Margins that end where the smoothed, weighted loss would put them, with a little noise per fit."""
    prior = labels.mean()
    ratios = {"none": 1.0, "sqrt": np.sqrt((1 - prior) / prior), "balanced": (1 - prior) / prior}
    settings = [Setting(e, w, "example") for w in ratios for e in (0.0, 0.05, 0.1, 0.15, 0.2)]
    settings += [Setting(e, "balanced", "column") for e in (0.0, 0.05, 0.1, 0.15, 0.2)]
    result = []
    for setting in settings:
        r, e = ratios[setting.class_weight], setting.smoothing
        for repeat in range(repeats):
            noise = 1.0 + 4 * (e - 0.07) ** 2 + (0.1 if setting.class_weight == "balanced" else 0.0)
            eta = noisy_view(rng, z, noise)
            if setting.weighting == "column":
                p = expit(logit((1 - e) * eta + e / 2) + np.log(r))
            else:
                p = (1 - e) * expit(logit(eta) + np.log(r)) + e / 2
            posterior = np.clip(eta, 1e-9, 1 - 1e-9)
            result.append(SettingOutcome(setting, repeat, logit(p), posterior, 0.982 - e / 4))
    return result


def temperature_arms(
    rng: np.random.Generator, candidates: dict[str, np.ndarray]
) -> dict[tuple[float, str], np.ndarray]:
    """{ε = 0, ε = 0.05} × calibrators: raw heads are off by a known map, every calibrator nearly undoes it."""
    arms = {}
    for epsilon, name in ((0.0, "mlp_unsmoothed"), (0.05, "mlp")):
        p = candidates[name]
        raw = (1 - epsilon) * expit(logit(p) * (1.3 if epsilon == 0 else 1.02)) + epsilon / 2
        for prefix in ("", "inverse+"):
            for calibrator in CALIBRATORS:
                key = f"{prefix}{calibrator}" if calibrator != "none" else ("inverse" if prefix else "none")
                off = expit(logit(p) * (1 + rng.normal(0, 0.02)) + rng.normal(0, 0.02))
                arms[(epsilon, key)] = raw if key == "none" else off
    return arms
