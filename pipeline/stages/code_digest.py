"""Which of Harbor's own source files a stage's output depends on: its own and whatever they import, however deep.

Nobody keeps a list by hand of what a stage needs, which a new import would make wrong. Left out is what only tells: of
configuration, progress, hardware and tracking. A module that hands data to a stage is never left out, however little
it seems to do, since it chooses what the stage sees.
"""

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from pipeline.storage.digests import sha256_file, sha256_json

PACKAGES = ("features", "models", "evaluation", "pipeline")
QUIET = ("pipeline.process", "pipeline.tracking", "pipeline.runs", "pipeline.config", "pipeline.sections")
"""Packages and files whose job is telling, not doing."""
TEMPLATES = (".jinja", ".css")


def code_digest(work: Callable[..., object]) -> str:
    """The digest of the file that defines a function and of every file of Harbor's that it imports, shell excepted."""
    try:
        start = inspect.getsourcefile(inspect.unwrap(work))
    except TypeError:
        start = None
    return _digest(Path(start)) if start is not None and Path(start).is_file() else sha256_json({})


def imported_modules(source: str) -> Iterator[str]:
    """Names of Harbor's modules that a source imports, at its top or inside a function; some may be attributes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in PACKAGES)


@functools.cache
def _digest(start: Path) -> str:
    seen = _reached_files(start)
    digests = {name: sha256_file(path) for name, path in seen.items()}
    for package in sorted({name.partition(".")[0] for name in seen} & set(PACKAGES)):
        root = _package_folder(package)
        templates = sorted(path for path in root.rglob("*") if path.suffix in TEMPLATES)
        digests |= {f"{package}/{path.relative_to(root).as_posix()}": sha256_file(path) for path in templates}
    return sha256_json(digests)


def _reached_files(start: Path) -> dict[str, Path]:
    """A file ("") and Harbor's modules that it imports, however deep, by name."""
    seen: dict[str, Path] = {"": start}
    waiting = [start]
    while waiting:
        for name in imported_modules(waiting.pop().read_text(encoding="utf-8")):
            path = _module_file(name)
            if path is not None and name not in seen and not _quiet(name):
                seen[name] = path
                waiting.append(path)
    return seen


def _quiet(name: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in QUIET)


def _module_file(name: str) -> Path | None:
    """The file of a module or package; None where the name is an attribute of one."""
    package, *rest = name.split(".")
    place = _package_folder(package).joinpath(*rest)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _package_folder(package: str) -> Path:
    return Path(str(resources.files(package)))
