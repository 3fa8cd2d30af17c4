"""`harbor verify`: checksums first, then the graph is loaded, and its golden rows and reasons are replayed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bundle.bounded_work import in_child
from pipeline.bundle.golden import TOLERANCE, replayed_difference
from pipeline.bundle.golden_reasons import GOLDEN_REASONS, replayed_reasons
from pipeline.bundle.golden_reasons import TOLERANCE as REASON_TOLERANCE
from pipeline.bundle.manifest import CheckedBundle, checked_bundle
from pipeline.bundle.number_files import check_number_files
from pipeline.bundle.reasons import loaded_reasons
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.seal import is_sealed
from pipeline.bundle.served_files import check_served_files
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class Verification:
    """A bundle that passed: how many files were checked, how many golden rows replayed and how closely.

    Attributes:
        unchecked: whether it came with a signature, and no key was set to check it by.
        explained: golden rows whose reasons were replayed; None where the bundle has no reasons.
    """

    candidate: str
    files: int
    rows: int
    difference: float
    signed: bool
    explained: int | None = None
    unchecked: bool = False

    @property
    def summary(self) -> str:
        """One line for a person."""
        without = "SIGNATURE NOT CHECKED, no key is set" if self.unchecked else "no signature asked for"
        signature = "signature right" if self.signed else without
        reasons = "" if self.explained is None else f", reasons of {self.explained} as before"
        return (
            f"verified: {self.files} files unchanged, {signature}, {self.rows} golden rows of '{self.candidate}' "
            f"replayed with a largest difference of {self.difference:.1e} (at most {TOLERANCE:.0e}){reasons}"
        )


def verify_bundle(bundle: Path, *, key: bytes | None = None) -> Verification:
    """Check every file of a bundle against its manifest, then load the graph and replay golden rows and reasons.

    Args:
        bundle: the folder.
        key: what the manifest must be signed with; None asks for no signature.

    Raises:
        InputError: a file is not as listed, the graph cannot be loaded, or a golden row has another probability or
            other reasons.
    """
    checked = checked_bundle(bundle, key=key)
    found = in_child(lambda: _checked_contents(checked), refusal=f"the bundle {bundle} cannot be verified")
    candidate, files = checked.manifest["candidate"], len(checked.manifest["files"])
    return Verification(candidate, files, signed=checked.signed, unchecked=is_sealed(bundle) and key is None, **found)


def _checked_contents(checked: CheckedBundle) -> dict[str, Any]:
    """Counts and differences of a bundle whose every file is what it must be; for a process that may fall over.

    Raises:
        InputError: as `verify_bundle`.
    """
    scorer = loaded_scorer(checked)
    rows, difference = replayed_difference(scorer, checked.read("golden.jsonl"))
    if not difference <= TOLERANCE:
        raise InputError(
            f"golden rows of {checked.folder} must keep their probability to {TOLERANCE:.0e}, got one "
            f"{difference:.1e} away"
        )
    check_served_files(checked, scorer.signature)
    check_number_files(checked, scorer.signature)
    if list(scorer.signature.outputs) != checked.manifest.get("outputs"):
        raise InputError(f"the manifest of {checked.folder} must list the outputs of signature.json")
    return {"rows": rows, "difference": difference, "explained": _explained(checked, scorer)}


def _explained(checked: CheckedBundle, scorer: Scorer) -> int | None:
    """How many golden rows have the reasons they had; None where the bundle has none.

    Raises:
        InputError: they have others.
    """
    reasons = loaded_reasons(checked, scorer.signature)
    if reasons is None:
        return None
    content, golden = checked.read(GOLDEN_REASONS), checked.read("golden.jsonl")
    rows, difference = replayed_reasons(reasons, scorer, content, golden)
    if not difference <= REASON_TOLERANCE:
        raise InputError(
            f"golden reasons of {checked.folder} must keep their effects to {REASON_TOLERANCE:.0e} in log odds, got "
            f"one {difference:.1e} away"
        )
    return rows
