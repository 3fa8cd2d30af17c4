"""What decides whether a stage must run again: inputs, its part of the configuration, code and libraries."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.stages.code_digest import code_digest
from pipeline.stages.stage import CHAMPION_FILE, Stage
from pipeline.storage.digests import sha256_file, sha256_json
from pipeline.storage.done import read_done

LIBRARIES = ("numba", "numpy", "onnx", "onnxruntime", "pandas", "pyarrow", "scikit-learn", "torch", "xgboost")


@dataclass(frozen=True)
class Fingerprint:
    """A digest and the digests of its named parts, so that a difference can be told by name."""

    digest: str
    parts: dict[str, str]

    @staticmethod
    def of(parts: dict[str, Any]) -> "Fingerprint":
        """The fingerprint of named parts, each any JSON value."""
        digests = {name: sha256_json(value)[:16] for name, value in parts.items()}
        return Fingerprint(sha256_json(digests), digests)

    def difference(self, before: dict[str, str]) -> str:
        """Which parts differ from an earlier fingerprint's, in words."""
        names = sorted(name for name in self.parts.keys() | before.keys() if self.parts.get(name) != before.get(name))
        return f"changed: {', '.join(names)}" if names else "changed"


def stage_fingerprint(run: Path, stage: Stage, config: Config, as_of: int | None) -> Fingerprint:
    """The fingerprint under which a stage would run now.

    Upstream stages count by the checksums of the files they left, so a stage that ran again and wrote the same bytes
    makes nothing after it run.
    """
    parts: dict[str, Any] = {"as_of": as_of, "libraries": library_versions(), "code": code_digest(stage.work)}
    for name in stage.reads:
        done = read_done(run / name)
        parts[f"files of {name}"] = done.files if done is not None else None
    for named in stage.sections:
        section, _, only = named.partition(".")
        for key, value in getattr(config, section).model_dump(mode="json").items():
            if only in ("", key):
                parts[f"{section}.{key}"] = value
    for name, item in stage.outside(config):
        parts[f"input {name}"] = sha256_file(item) if isinstance(item, Path) else item
    champion = run / CHAMPION_FILE
    if stage.follows_champion(config) and champion.is_file():
        parts["champion"] = sha256_file(champion)
    return Fingerprint.of(parts)


def library_versions() -> dict[str, str]:
    """Versions of Harbor and of the libraries that decide its numbers."""
    return {name: metadata.version(name) for name in ("harbor-fraud", *LIBRARIES)}
