"""The folder of a state: a manifest, the specification, and arrays of whole numbers, low byte first.

No id is in it but keyed hashes. A state belongs to a specification of features, not to a model: every bundle with the
same features.json can go on from it.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from features.online.id_keys import IdKeys
from features.online.state import OnlineState
from features.online.table_events import LabelChanges
from features.times import time_text
from features.windows.spec import FeatureSpec
from pipeline.state.event_log import SUFFIX
from pipeline.state.history_state import HistoryState
from pipeline.storage.atomic import replaced_folder, write_bytes, write_text
from pipeline.storage.content import write_json
from pipeline.storage.done import folder_checksums
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.untrusted import parsed_json, plain_content

MANIFEST, FEATURES, WORDS, TO_COME = "manifest.json", "features.json", "words.bin", "labels_to_come.bin"
PRESET = "preset"
"""A folder of its own: the preset by which rows were read, and a table of rates where it names one."""
BESIDE = ("hash_key_check", "key_column", "reading")
"""Keys of the manifest that say how ids become keys, and rows are read."""
FORMAT = 2
WHOLE = ("signature.json", WORDS)
"""Files by which a folder is known to which nothing may be added: of a bundle, of a state."""
LARGEST_MANIFEST = 1 << 20
LITTLE_ENDIAN = np.dtype("<i8")
BEFORE_EVENT = 2
"""Words before a change's event: when it comes, and the label before."""


@dataclass(frozen=True)
class StateFolder:
    """A folder whose files are as its manifest says, and what is in it.

    Attributes:
        folder: where it lies.
        manifest: what the manifest says.
        features: the specification as JSON text.
    """

    folder: Path
    manifest: Mapping[str, Any]
    features: str

    @property
    def spec(self) -> FeatureSpec:
        """The columns that the state answers.

        Raises:
            InputError: they are no columns that this process knows: those of a plugin need it.
        """
        try:
            return FeatureSpec.from_json(self.features)
        except ValidationError as error:
            faults = dict.fromkeys(each["msg"].removeprefix("Value error, ") for each in error.errors())
            raise InputError(faults_text(list(faults), str(self.folder / FEATURES))) from None

    @property
    def newest(self) -> int | None:
        """The latest event_time in the state, microseconds."""
        newest: int | None = self.manifest["last_event_microseconds"]
        return newest

    def loaded(self, keys: IdKeys) -> HistoryState:
        """The state itself.

        Raises:
            InputError: a file has changed, or they do not belong together.
        """
        spec = self.spec
        words = np.frombuffer(self.content(WORDS), LITTLE_ENDIAN).astype(np.int64)
        state = OnlineState.restored(spec, words, keys=keys)
        width = BEFORE_EVENT + state.plan.event_words
        changes = np.frombuffer(self.content(TO_COME), LITTLE_ENDIAN).astype(np.int64).reshape(-1, width)
        return HistoryState(state, LabelChanges(changes[:, BEFORE_EVENT:].copy(), changes[:, 1], changes[:, 0]))

    def content(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            InputError: it is not listed, or has changed since.
        """
        entry = self.manifest["files"].get(name)
        if entry is None:
            raise InputError(f"{name} must be listed in {self.folder / MANIFEST}, but it is not")
        content = plain_content(self.folder / name, limit=entry["bytes"])
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise InputError(f"{self.folder / name} must be as {MANIFEST} lists it, but it has changed")
        return content


def write_state(folder: Path, history: HistoryState, *, features: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a state into a folder that may hold further files of it; the same state gives the same bytes.

    Args:
        folder: where; the caller makes it appear whole.
        history: the state.
        features: its specification as JSON text, as the bundle has it.
        content: what the manifest says beside.

    Returns:
        The manifest.
    """
    state, to_come = history.state, history.to_come
    write_text(folder / FEATURES, features)
    write_bytes(folder / WORDS, state.words().astype(LITTLE_ENDIAN).tobytes())
    changes = np.column_stack([to_come.moment, to_come.old, to_come.events])
    write_bytes(folder / TO_COME, changes.astype(LITTLE_ENDIAN).tobytes())
    newest = state.newest
    manifest = {
        "format": FORMAT,
        "features_sha256": features_digest(features),
        "rows": state.rows,
        "last_event": None if newest is None else time_text(newest),
        "last_event_microseconds": newest,
        "labels_to_come": len(to_come),
        "digest": state.digest(),
        **content,
        "files": {name: entry for name, entry in folder_checksums(folder).items() if name != MANIFEST},
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def write_next_state(folder: Path, stored: StateFolder, after: HistoryState) -> dict[str, Any]:
    """Write what became of a state, whole or not at all; the manifest.

    Args:
        folder: what takes the place of it, where there is one.
        stored: the state before; how rows are read stays as it was.
        after: the state now.
    """
    content = {name: stored.manifest[name] for name in BESIDE}
    with replaced_folder(folder) as made:
        shutil.copytree(stored.folder / PRESET, made / PRESET)
        return write_state(made, after, features=stored.features, content=content)


def state_place(folder: Path) -> Path:
    """Where a state may be written: nowhere yet, in an empty folder, or in the place of a state.

    Raises:
        InputError: something else lies there, or it is inside of a bundle, a state or a log.
    """
    place = folder.resolve()
    for above in place.parents:
        if any((above / name).is_file() for name in WHOLE) or any(above.glob(f"*{SUFFIX}")):
            raise InputError(f"a state must be written outside of bundles, states and logs, got {folder} in {above}")
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return place
    try:
        checked_state(place)
    except InputError:
        raise InputError(f"a state must be written to a new folder or in the place of a state, got {folder}") from None
    return place


def checked_state(folder: Path) -> StateFolder:
    """A folder whose files are as its manifest says; its arrays are checked when they are loaded.

    Raises:
        InputError: it is no folder of a state, of another format, or a file of it has changed.
    """
    manifest = parsed_json(plain_content(folder / MANIFEST, limit=LARGEST_MANIFEST), name=str(folder / MANIFEST))
    try:
        sizes = [(int(entry["bytes"]), str(entry["sha256"])) for entry in manifest["files"].values()]
        [manifest[name] for name in (*BESIDE, "format", "features_sha256", "last_event_microseconds")]
    except (TypeError, KeyError, ValueError, AttributeError):
        sizes = []
    if not sizes:
        raise InputError(f"{folder / MANIFEST} must be the manifest of a state, but keys of one are missing")
    if manifest["format"] != FORMAT:
        raise InputError(
            f"{folder / MANIFEST} must be of format {FORMAT}, got {manifest['format']!r}: build the state again with "
            "harbor state build"
        )
    stored = StateFolder(folder, manifest, "")
    for name in manifest["files"]:
        if name not in (WORDS, TO_COME):
            stored.content(name)
    features = stored.content(FEATURES)
    if hashlib.sha256(features).hexdigest() != manifest["features_sha256"]:
        raise InputError(f"{folder / FEATURES} must be the one that {MANIFEST} speaks of, but it is another")
    return StateFolder(folder, manifest, features.decode())


def check_same_features(state: StateFolder, features: bytes, *, bundle: str) -> None:
    """Refuse a bundle whose columns are not those of a state.

    Raises:
        InputError: the two specifications differ.
    """
    if hashlib.sha256(features).hexdigest() != state.manifest["features_sha256"]:
        raise InputError(
            f"the state {state.folder} must answer the columns of the bundle {bundle}, but their features.json differ: "
            "take the state that was exported beside it, or one built for it with harbor state build"
        )


def features_digest(features: str) -> str:
    """SHA-256 of a specification's text."""
    return hashlib.sha256(features.encode()).hexdigest()
