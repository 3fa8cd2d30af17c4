"""What stands below the options of every `--help`: an example that can be copied, and how the command may end."""

from pipeline.process.exits import Exit

EXAMPLES = {
    "init": "harbor init tx.csv",
    "check": "harbor check --config tx.toml",
    "run": "harbor run --config harbor.toml --set data.source=tx.csv",
    "ingest": "harbor ingest --run runs/harbor-history --set data.source=tx.csv",
    "features": "harbor features --run runs/harbor-history",
    "train": "harbor train --run runs/harbor-history --set train.epochs=3",
    "calibrate": "harbor calibrate --run runs/harbor-history",
    "evaluate": "harbor evaluate --run runs/harbor-history --force",
    "refit": "harbor refit --run runs/harbor-history",
    "export": "harbor export --run runs/harbor-history",
    "retrain": "harbor retrain --config retrain.toml --as-of 2024-05-01",
    "backtest": "harbor backtest --config retrain.toml --from 2024-06-04 --to 2024-06-25 --every 7d",
    "simulate": "harbor simulate --rows 100000 --seed 7 --out tx.parquet",
    "score": "harbor score --bundle runs/harbor-history/export/bundle --input rows.parquet --out scored.parquet",
    "explain": "harbor explain --bundle runs/harbor-history/export/bundle --input rows.parquet --out reasons.parquet",
    "skew": "harbor skew --log served",
    "state build": "harbor state build --run runs/harbor-history --out state",
    "state compact": "harbor state compact --log served --out state",
    "state digest": "harbor state digest --state runs/harbor-history/export/state",
    "state features": "harbor state features --log served --out rows.parquet",
    "verify": "harbor verify --bundle runs/harbor-history/export/bundle",
    "promote": "harbor promote --run runs/harbor-history",
    "rollback": "harbor rollback",
    "sync": "harbor sync --run runs/harbor-history",
    "status": "harbor status",
    "report": "harbor report --open",
    "ui": "harbor ui --port 5001",
}
"""A command line that works as it stands, by verb."""
MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed or interrupted: run it again",
    Exit.BAD_INPUT: "input refused",
    Exit.LOCKED: "another job is at it",
}
REFUSALS = {
    **dict.fromkeys(("run", "retrain", "promote"), "the gate refused the model"),
    "skew": "a difference that nothing explains",
    "state features": "values that the log has otherwise",
}
"""What a verb that may refuse refuses."""


def help_end(verb: str) -> str:
    """The last paragraphs of a verb's help."""
    meanings = MEANINGS | ({Exit.REFUSED: REFUSALS[verb]} if verb in REFUSALS else {})
    ends = [f"{code.value} {text}" for code, text in sorted(meanings.items())]
    return f"Example:  {EXAMPLES[verb]}\n\nExit codes:  {'; '.join(ends)}."
