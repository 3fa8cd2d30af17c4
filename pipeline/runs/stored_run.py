"""A run folder and its counterpart in an object store, so that any machine can go on with the run.

Stages work in the local folder. At the start what the store holds finished is brought here; each stage that finishes
is sent, so that whoever reads sees a whole stage or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.stages.stage import CHAMPION_FILE
from pipeline.storage.atomic import write_bytes
from pipeline.storage.done import DONE
from pipeline.storage.lease import Claim
from pipeline.storage.object_store import Remote
from pipeline.storage.stored_folder import LARGEST_MARKER, Marker, bring_folder, listed_files, send_folder

SETTINGS, JOURNAL = "config.json", "journal.jsonl"
RECORDS = (SETTINGS, JOURNAL, ".tracking.json", "retrain.json")
"""Files that lie in the run folder itself and travel with it."""
CLAIMS = ".claims"
LARGEST_RECORD = 1 << 30
CHAMPION, CHAMPION_MARKER = CHAMPION_FILE.split("/")


@dataclass
class StoredRun:
    """A run folder and its counterpart in a store.

    Attributes:
        run: the run folder.
        place: the counterpart; None where no store keeps the run, and then nothing is brought or sent.
        claim: what lets no other machine at it meanwhile, where one is held.
        sent: by stage the marker that stands in both.
    """

    run: Path
    place: Remote | None
    claim: Claim | None = None
    sent: dict[str, bytes] = field(default_factory=dict)

    def send_stage(self, name: str) -> None:
        """Send a finished stage, and before it what a reader of the run needs to know of it."""
        if self.place is None:
            return
        self.send_rest()
        self._send_folder(self.place.child(name), name, DONE)

    def send_rest(self) -> None:
        """Send the records and the champion that was brought."""
        if self.place is not None:
            self.send_records()
            self._send_folder(self.place.child(CHAMPION), CHAMPION, CHAMPION_MARKER)

    def send_records(self) -> None:
        """Send settings, journal and outcome."""
        if self.place is None:
            return
        self._check_claim()
        for name in RECORDS:
            if (self.run / name).is_file():
                self.place.child(name).send(self.run / name)

    def bring(self, stages: Sequence[str]) -> None:
        """Bring here what the store holds: records, champion, and of these stages the finished ones."""
        if self.place is None:
            return
        for name in RECORDS:
            self.bring_record(name)
        for name, marker in ((CHAMPION, CHAMPION_MARKER), *((name, DONE) for name in stages)):
            content = self.place.child(f"{name}/{marker}").content(limit=LARGEST_MARKER)
            if content is not None:
                self.sent[name] = content
                if _content(self.run / name / marker) != content:
                    self._bring_folder(self.place.child(name), name, marker)

    def bring_record(self, name: str) -> None:
        """Bring one file of the run folder itself; a journal that goes on where the store's ends stays."""
        if self.place is None:
            return
        content = self.place.child(name).content(limit=LARGEST_RECORD)
        path = self.run / name
        if content is None or (name == JOURNAL and path.is_file() and path.read_bytes().startswith(content)):
            return
        write_bytes(path, content)

    def _bring_folder(self, place: Remote, name: str, marker: str) -> None:
        """Copy a finished folder; one that is not whole counts as not finished, here and in the store."""
        content = self.sent[name]
        listed = listed_files(content) if marker == DONE else dict.fromkeys(place.files(), "")
        if not bring_folder(place, self.run / name, Marker(marker, content), listed):
            self.sent.pop(name, None)

    def _send_folder(self, place: Remote, name: str, marker: str) -> None:
        """Replace what the store holds of a folder, where it holds another."""
        content = _content(self.run / name / marker)
        if content == self.sent.get(name):
            return
        self._check_claim()
        self.sent.pop(name, None)
        if content is None:
            place.child(marker).remove()
            place.remove_folder()
            return
        send_folder(self.run / name, place, Marker(marker, content), check=self._check_claim)
        self.sent[name] = content

    def _check_claim(self) -> None:
        if self.claim is not None:
            self.claim.check()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
