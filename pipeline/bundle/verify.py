"""`harbor verify`: checksums first, then the graph is loaded and its golden rows are replayed."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.bundle.golden import TOLERANCE, replayed_difference
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import loaded_scorer
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class Verification:
    """A bundle that passed: how many files were checked, how many golden rows replayed and how closely."""

    candidate: str
    files: int
    rows: int
    difference: float
    signed: bool

    @property
    def summary(self) -> str:
        """One line for a person."""
        signature = "signature right" if self.signed else "no signature asked for"
        return (
            f"verified: {self.files} files unchanged, {signature}, {self.rows} golden rows of '{self.candidate}' "
            f"replayed with a largest difference of {self.difference:.1e} (at most {TOLERANCE:.0e})"
        )


def verify_bundle(bundle: Path, *, key: bytes | None = None) -> Verification:
    """Check every file of a bundle against its manifest, then load the graph and replay the golden rows.

    Args:
        bundle: the folder.
        key: what the manifest must be signed with; None asks for no signature.

    Raises:
        InputError: a file is not as listed, the graph cannot be loaded, or a golden row has another probability.
    """
    checked = checked_bundle(bundle, key=key)
    rows, difference = replayed_difference(loaded_scorer(checked), checked.read("golden.jsonl"))
    if not difference <= TOLERANCE:
        raise InputError(
            f"golden rows of {bundle} must keep their probability to {TOLERANCE:.0e}, got one {difference:.1e} away"
        )
    return Verification(checked.manifest["candidate"], len(checked.manifest["files"]), rows, difference, checked.signed)
