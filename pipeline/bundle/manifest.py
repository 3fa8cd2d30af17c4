"""The manifest of a bundle: what belongs to it, by checksum, checked before anything in it is opened.

A bundle may come from anywhere, so nothing in it is believed until its bytes are those the manifest lists; and the
manifest itself can be signed, since whoever can change a file can change its checksum too.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bundle.bundle_terms import SIGNING_KEY
from pipeline.bundle.seal import SEAL, check_seal, is_sealed, sealed
from pipeline.bundle.twin import TWIN
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import write_json
from pipeline.storage.done import folder_checksums
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.untrusted import parsed_json, plain_checksum, plain_content, plain_files, shown_name
from pipeline.storage.visible_text import HIDDEN

MANIFEST = "manifest.json"
FORMAT = 1
LONGEST_NAME = 100
FAULTS_SHOWN = 5
"""Faults that a message names; the rest are counted."""
REQUIRED = frozenset(
    {
        "model.onnx",
        "booster.ubj",
        "network.safetensors",
        "encoder.json",
        "calibrator.json",
        "features.json",
        "thresholds.json",
        "signature.json",
        "golden.jsonl",
        "model_card.md",
        *(f"mlflow/{name}" for name in ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")),
        *(f"mlflow/{name}" for name in ("serving_model.py", "artifacts/model.onnx", "artifacts/signature.json")),
    }
)
TWIN_FILES = ("booster.ubj", "network.safetensors", "encoder.json", "calibrator.json", "thresholds.json")
OPTIONAL = frozenset(
    {
        "reasons.json",
        "golden_reasons.jsonl",
        "triton/harbor/config.pbtxt",
        "triton/harbor/1/model.onnx",
        *(f"{TWIN}/{name}" for name in TWIN_FILES),
    }
)

MEBIBYTE = 1 << 20
LARGEST_MANIFEST = MEBIBYTE
LARGEST = {".onnx": 1024 * MEBIBYTE, ".safetensors": 1024 * MEBIBYTE, ".ubj": 512 * MEBIBYTE, ".json": 256 * MEBIBYTE}
LARGEST_OTHER = 16 * MEBIBYTE


@dataclass(frozen=True)
class CheckedBundle:
    """A bundle folder whose files all were as its manifest says; `read` checks again what it hands out.

    Attributes:
        folder: where it lies.
        manifest: what the manifest says.
        signed: whether a key was given and the signature is right.
    """

    folder: Path
    manifest: Mapping[str, Any]
    signed: bool

    def read(self, name: str) -> bytes:
        """A file's content, whose checksum is taken of the very bytes that are returned.

        Raises:
            InputError: the file is not listed or has changed since it was checked.
        """
        entry = self.manifest["files"].get(name)
        if entry is None:
            raise InputError(f"{name} must be listed in {MANIFEST} of {self.folder}, but it is not")
        content = plain_content(self.folder / name, limit=entry["bytes"])
        if len(content) != entry["bytes"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise InputError(f"{self.folder / name} changed while the bundle was being read")
        return content

    def read_json(self, name: str) -> Any:
        """The value in a JSON file of the bundle; raises as `read`, and where it is not strict JSON."""
        return parsed_json(self.read(name), name=str(self.folder / name))


def write_manifest(folder: Path, *, content: Mapping[str, Any], max_bytes: int, key: bytes | None) -> None:
    """Write manifest.json over every file that stands in the folder, and its signature where there is a key.

    Raises:
        InputError: a file has no place in a bundle, one is missing, or the bundle is too large.
    """
    files = folder_checksums(folder)
    faults = _name_faults(set(files))
    total = sum(entry["bytes"] for entry in files.values())
    if total > max_bytes:
        faults.append(f"the bundle must have at most {max_bytes:,} bytes (export.max_bytes), got {total:,}")
    faults += [f"{name}: {entry['bytes']:,} bytes" for name, entry in files.items() if entry["bytes"] > _limit(name)]
    if faults:
        raise _faults_of_bundle(folder, faults)
    write_json(folder / MANIFEST, {"format": FORMAT, **content, "signed": key is not None, "files": files})
    if key is not None:
        write_bytes(folder / SEAL, sealed((folder / MANIFEST).read_bytes(), key))


def checked_bundle(folder: Path, *, key: bytes | None = None) -> CheckedBundle:
    """A bundle whose files have been compared with its manifest; nothing but the manifest is parsed.

    Args:
        folder: the bundle.
        key: what the manifest must be signed with; None asks for no signature.

    Raises:
        InputError: the folder or its manifest is missing or malformed, the signature is wrong, or a file is changed,
            missing, extra, too large, a link or anything but a plain file: every fault, by name.
    """
    if not folder.is_dir():
        raise InputError(f"a bundle must be a folder with a {MANIFEST}, got {folder}, which is none")
    content = plain_content(folder / MANIFEST, limit=LARGEST_MANIFEST)
    if key is not None:
        check_seal(folder, content, key)
    manifest = parsed_json(content, name=str(folder / MANIFEST))
    faults = _manifest_faults(manifest)
    if not faults and manifest.get("signed") is True and not is_sealed(folder):
        faults.append(f"{SEAL}: missing, though the manifest was signed")
    if faults:
        raise _faults_of_bundle(folder, faults)
    try:
        present, faults = plain_files(folder)
        faults += _file_faults(folder, manifest["files"], present)
    except OSError as error:
        raise InputError(f"{error.filename} of the bundle must be readable, but: {error.strerror}") from None
    if faults:
        raise _faults_of_bundle(folder, faults)
    return CheckedBundle(folder, manifest, signed=key is not None)


def listing_faults(sizes: Mapping[str, int]) -> list[str]:
    """What is wrong with a bundle by the names and sizes of its files alone, before any is opened or fetched."""
    names = set(sizes) - {MANIFEST, SEAL}
    large = [f"{name}: {size:,} bytes" for name, size in sizes.items() if name in names and size > _limit(name)]
    return [*_name_faults(names), *large]


def signing_key(variable: str = SIGNING_KEY, environment: Mapping[str, str] | None = None) -> bytes | None:
    """The key that an environment variable holds; None where it is that of the defaults and is not set.

    Raises:
        InputError: another variable was named, which asks for signatures, and it is not set.
    """
    value = (os.environ if environment is None else environment).get(variable, "")
    if not value and variable != SIGNING_KEY:
        raise InputError("export.sign_key_env: the environment variable it names must hold the key, but it is not set")
    return value.encode() or None


def _manifest_faults(manifest: Any) -> list[str]:
    if not isinstance(manifest, dict):
        return [f"{MANIFEST}: must be an object"]
    faults = []
    if manifest.get("format") != FORMAT:
        faults.append(f"{MANIFEST}: format must be {FORMAT}")
    if not isinstance(manifest.get("candidate"), str):
        faults.append(f"{MANIFEST}: candidate must be a name")
    elif HIDDEN.search(manifest["candidate"]) or len(manifest["candidate"]) > LONGEST_NAME:
        faults.append(f"{MANIFEST}: candidate must be a name of at most {LONGEST_NAME} characters that can be seen")
    files = manifest.get("files")
    if not isinstance(files, dict):
        return [*faults, f"{MANIFEST}: files must be an object"]
    faults += _name_faults(set(files))
    return faults + [fault for name, entry in files.items() for fault in _entry_faults(name, entry)]


def _entry_faults(name: str, entry: Any) -> list[str]:
    if not _is_entry(entry):
        return [f"{shown_name(name)}: must be listed with sha256 (64 hexadecimal digits) and bytes (a whole number)"]
    if entry["bytes"] > _limit(name):
        return [f"{shown_name(name)}: must have at most {_limit(name):,} bytes, {entry['bytes']:,} are listed"]
    return []


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.keys() != {"sha256", "bytes"}:
        return False
    digest, size = entry["sha256"], entry["bytes"]
    known = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None
    return known and isinstance(size, int) and not isinstance(size, bool) and size >= 0


def _name_faults(names: set[str]) -> list[str]:
    """A bundle's files have fixed names, so that no path can lead out of it and no foreign format in."""
    foreign = [f"{shown_name(name)}: has no place in a bundle" for name in sorted(names - REQUIRED - OPTIONAL)]
    return foreign + [f"{name}: missing" for name in sorted(REQUIRED - names)]


def _limit(name: str) -> int:
    return LARGEST.get(Path(name).suffix, LARGEST_OTHER)


def _file_faults(folder: Path, listed: Mapping[str, Any], present: Mapping[str, int]) -> list[str]:
    extra = sorted(present.keys() - listed.keys() - {MANIFEST, SEAL})
    faults = [f"{shown_name(name)}: is not listed in the manifest{_hint(name)}" for name in extra]
    faults += [f"{name}: missing" for name in sorted(listed.keys() - present.keys())]
    for name in sorted(listed.keys() & present.keys()):
        if present[name] != listed[name]["bytes"]:
            faults.append(f"{name}: must have {listed[name]['bytes']:,} bytes, got {present[name]:,}")
        elif plain_checksum(folder / name) != listed[name]["sha256"]:
            faults.append(f"{name}: changed, its checksum is not the manifest's")
    return faults


def _hint(name: str) -> str:
    """Bytecode runs in place of the source beside it, so it cannot be let pass; but it is there for a dull reason."""
    if "__pycache__" not in name:
        return ""
    return " (bytecode, as Python leaves it: remove it, and serve a copy or with PYTHONDONTWRITEBYTECODE=1)"


def _faults_of_bundle(folder: Path, faults: list[str]) -> InputError:
    return InputError(faults_text(faults, f"the bundle {folder}", most=FAULTS_SHOWN))
