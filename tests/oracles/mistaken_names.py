"""Names as people mistake them: a typo, an id column for an entity, a category for a number, a name of another preset.

Public reports: openspending/openspending#196 (a mistyped name passes and drops half of the features).
"""

from pathlib import Path

MISTAKEN = [
    ("features.entities=['card_id','merchant_id']", "did you mean 'card'"),
    ("features.entities=['card','merchnt']", "did you mean 'merchant'"),
    ("features.entities=['card','card+merchnt']", "did you mean 'merchant'"),
    ("features.entities=['terminal']", "must be entities of the preset (card, merchant), got 'terminal'"),
    ("features.identities=['marchant']", "did you mean 'merchant'"),
    ("features.calendar=['houre']", "did you mean 'hour'"),
    ("features.aggregates.card=['cuont']", "did you mean 'count'"),
    ("features.aggregates.merchent=['count']", "did you mean 'merchant'"),
    ("features.encoding.knot=3", "did you mean 'knots'"),
    ("boosting.monotone={amuont=1}", "did you mean 'amount'"),
    ("boosting.monotone={card_7d_cont=1}", "did you mean 'card_7d_count'"),
    ("boosting.monotone={merchant_id=1}", "is a category"),
    ("export.candidate='hybrd'", "did you mean 'hybrid'"),
    ("train.device='cuuda'", "did you mean 'cuda'"),
]
"""An assignment, and what its refusal says; each with the preset `harbor`."""

NO_DURATIONS = ("7", "0", "7.5", "'7'", "true", "'7 days'", "'999999999999d'", "'-7d'", "'7D'", "'P7D'", "[]")
"""Lengths of time as people write them without a unit that is known, and lengths that no calendar has.

Public reports: incident-io/catalog-importer#163, taikoxyz/taiko-mono#19394 (a bare number as a duration).
"""


def own_preset(folder: Path, *, refund: str) -> Path:
    path = folder / "own.toml"
    parts = [f"[{name}]\ncolumn = '{name}'" for name in ("transaction_id", "event_time", "label", "entities.card_id")]
    path.write_text("\n".join([*parts, f"[amount]\ncolumn = 'amount'\nrefund = '{refund}'"]) + "\n")
    return path
