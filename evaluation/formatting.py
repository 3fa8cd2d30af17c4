"""What candidates and statistics are called where people read them, and how numbers and times are written."""

from datetime import UTC, datetime

NAMES = {
    "hybrid": "Hybrid",
    "xgboost": "XGBoost",
    "mlp": "Head",
    "mlp_unsmoothed": "Head, ε = 0",
    "logistic": "Logistic",
}
"""Candidates as people call them, from complicated to plain."""
METRICS = {
    "average_precision": ("Average precision", "number", 3),
    "roc_auc": ("ROC AUC", "number", 4),
    "brier_skill": ("Brier skill", "number", 3),
    "brier": ("Brier score", "number", 5),
    "log_loss": ("Log loss", "number", 4),
    "ece": ("ECE", "number", 5),
    "ece_debiased": ("ECE beyond noise", "number", 5),
    "observed_expected": ("Observed / expected", "number", 3),
    "calibration_slope": ("Calibration slope", "number", 3),
    "recall_at_budget": ("Recall at budget", "percent", 1),
    "value_recall_at_budget": ("Value found at budget", "percent", 1),
    "card_precision_at_100": ("Card precision at 100", "number", 3),
    "precision_at_half": ("Precision at p ≥ 0.5", "percent", 1),
    "share_negatives_above_095": ("Legitimate above 0.95", "percent", 3),
}
"""Rows of the candidates' table, in order: name in words, format, digits."""


def candidate_name(name: str) -> str:
    """A candidate as people call it; one that nobody named keeps its own name."""
    return NAMES.get(name, name)


def time_text(microseconds: int) -> str:
    """UTC time; microseconds are dropped.

    >>> time_text(1_532_563_152_250_000)
    '2018-07-25T23:59:12Z'
    """
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_text(microseconds: int) -> str:
    """UTC date of a time.

    >>> day_text(1_532_563_152_250_000)
    '2018-07-25'
    """
    return time_text(microseconds)[:10]


def number(value: float | None, digits: int = 3) -> str:
    """Fixed digits with a true minus sign; a dash where undefined."""
    return "–" if value is None else f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    """Fixed digits, always with its sign."""
    return "–" if value is None else f"{value:+,.{digits}f}".replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, with a space that does not break."""
    return "–" if value is None else f"{100 * value:,.{digits}f}\u00a0%".replace("-", "−")


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return "–" if value is None else f"{value:,.0f}".replace("-", "−")


def show(value: float | None, form: str, digits: int) -> str:
    """A value in the format its metric asks for."""
    return percent(value, digits) if form == "percent" else number(value, digits)
