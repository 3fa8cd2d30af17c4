"""Files and bundles that a command names by address: fetched before the work, sent after it."""

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.bundle.manifest import FAULTS_SHOWN, MANIFEST, listing_faults
from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.object_store import WORKERS, opened
from pipeline.storage.transfers import named_by_address


@contextlib.contextmanager
def local_bundle(text: str) -> Iterator[Path]:
    """A bundle's folder: where it lies, or a temporary copy, of which only names and sizes have been checked.

    Raises:
        InputError: there is none, or a file has no place in a bundle; nothing is fetched then.
    """
    if not is_remote(text):
        yield local_path(text)
        return
    place = opened(text)
    sizes = {name: each.size for name, each in place.files().items()}
    if MANIFEST not in sizes:
        raise InputError(f"a bundle must be a folder with a {MANIFEST}, got {text}, which is none")
    if faults := listing_faults(sizes):
        raise InputError(faults_text(faults, f"the bundle {text}", most=FAULTS_SHOWN))
    with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
        bundle = Path(folder) / "bundle"
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda name: place.child(name).fetch(bundle / name), sizes))
        with named_by_address(bundle, text):
            yield bundle
