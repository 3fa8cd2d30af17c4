"""Which of Harbor's own source files a stage's output depends on: its own and whatever they import, however deep.

Nobody keeps a list by hand of what a stage needs, which a new import would make wrong. Left out are the
packages whose job is telling: of progress, of what a run logs, of settings (those that a stage depends on count by
their values). A module that hands data to a stage is never left out, however little it seems to do, since it chooses
what the stage sees: `pipeline.stages.stage` and everything in `pipeline.stages.artifacts` count.
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
"""Packages whose job is telling, not doing: they change no byte that a stage writes."""
TEMPLATES = (".jinja", ".css")


def code_digest(work: Callable[..., object]) -> str:
    """The digest of the file that defines a function and of every file of Harbor's that it imports, QUIET excepted."""
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
    sources = _sources(start)
    digests = {name: sha256_file(path) for name, path in sources.items()}
    for package in sorted({name.partition(".")[0] for name in sources} & set(PACKAGES)):
        digests |= _template_digests(package)
    return sha256_json(digests)


def _sources(start: Path) -> dict[str, Path]:
    """Files of modules by name, the first under no name."""
    found: dict[str, Path] = {"": start}
    waiting = [start]
    while waiting:
        for name in imported_modules(waiting.pop().read_text(encoding="utf-8")):
            path = None if name in found or _quiet(name) else _module_file(name)
            if path is not None:
                found[name] = path
                waiting.append(path)
    return found


def _template_digests(package: str) -> dict[str, str]:
    root = _package_folder(package)
    templates = sorted(path for path in root.rglob("*") if path.suffix in TEMPLATES)
    return {f"{package}/{path.relative_to(root).as_posix()}": sha256_file(path) for path in templates}


def _quiet(name: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in QUIET)


def _module_file(name: str) -> Path | None:
    """The file of a module or package; None where the name is an attribute of one."""
    package, *rest = name.split(".")
    place = _package_folder(package).joinpath(*rest)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _package_folder(package: str) -> Path:
    return Path(str(resources.files(package)))
