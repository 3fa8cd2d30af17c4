"""Modules of the user's that add aggregates to `AGGREGATES` when they are imported (`features.plugins`).

They are code that the user's configuration names, like the configuration itself on this machine and under the user's
control; nothing is ever taken from a run folder or a bundle.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from features.errors import InputError
from features.windows.aggregates import AGGREGATES, Aggregate

MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def load_plugins(names: Sequence[str], folders: Sequence[Path]) -> None:
    """Import each module once, from the first of the folders that holds it, else from where Python looks.

    Args:
        names: modules, such as "mymodule" or "bank.aggregates".
        folders: where they are looked for first.

    Raises:
        InputError: a module is missing, raises, changes an aggregate of Harbor's own, or is another one than that which
            this process has loaded under the name.
    """
    for name in names:
        if not MODULE.fullmatch(name) or name.endswith(".py"):
            hint = f"; did you mean {name.removesuffix('.py')!r}?" if name.endswith(".py") else ""
            raise InputError(f"features.plugins: must be names of modules such as 'mymodule', got {name!r}{hint}")
        loaded = sys.modules.get(name)
        if loaded is None:
            _import(name, folders)
        else:
            _check_same(name, getattr(loaded, "__file__", None), folders)


def plugin_of(values: object) -> str | None:
    """The plugin that a function of an aggregate comes from; None for Harbor's own."""
    module = str(getattr(values, "__module__", "") or "")
    return None if not module or module.partition(".")[0] == "features" else module


def plugin_sources(name: str) -> dict[str, Path]:
    """The files that a loaded plugin's numbers depend on, by module: its own, and those beside it that it imports.

    Raises:
        InputError: it is not loaded, or has no source file.
    """
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or not str(file).endswith(".py"):
        raise InputError(f"features.plugins: {name!r} must be loaded from a file of Python source")
    top = name.partition(".")[0]
    above = len(name.split(".")) - (Path(file).name != "__init__.py")
    root = Path(file).parents[above]
    own_only = root.name in ("site-packages", "dist-packages")
    found: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop()
        path = _file_in(root, module)
        if module in found or path is None or (own_only and module.partition(".")[0] != top):
            continue
        found[module] = path
        waiting += _imported(path.read_text(encoding="utf-8"), module, package=path.name == "__init__.py")
    return dict(sorted(found.items()))


def _import(name: str, folders: Sequence[Path]) -> None:
    before = dict(AGGREGATES)
    paths = [str(folder.resolve()) for folder in folders]
    held = list(sys.path)
    sys.path[:0] = paths
    importlib.invalidate_caches()
    try:
        importlib.import_module(name)
    except Exception as error:
        _withdraw(name, before)
        raise InputError(_import_fault(name, error, folders)) from error
    finally:
        # what it imports later, inside a function, is found after everything else: it must not shadow a library
        sys.path[:] = [*held, *(path for path in paths if path not in held)]
    changed = [each for each in before if AGGREGATES.get(each) is not before[each]]
    if changed:
        _withdraw(name, before)
        raise InputError(
            f"features.plugins: {name!r} must leave the aggregates that are there as they are, but it changes "
            f"{', '.join(map(repr, changed))}: give yours another name"
        )


def _withdraw(name: str, before: Mapping[str, Aggregate]) -> None:
    sys.modules.pop(name, None)
    AGGREGATES.clear()
    AGGREGATES.update(before)


def _import_fault(name: str, error: Exception, folders: Sequence[Path]) -> str:
    parts = name.split(".")
    missing = {".".join(parts[: count + 1]) for count in range(len(parts))}
    if isinstance(error, ModuleNotFoundError) and error.name in missing:
        named = ("the working directory" if folder == Path() else str(folder) for folder in folders)
        places = ", ".join(dict.fromkeys(named))
        return f"features.plugins: there is no module {name!r} in {places}, and none is installed under that name"
    line = error.__traceback__
    while line is not None and line.tb_next is not None:
        line = line.tb_next
    place = f" ({Path(line.tb_frame.f_code.co_filename).name}:{line.tb_lineno})" if line is not None else ""
    text = (str(error).splitlines() or [""])[0]
    return f"features.plugins: {name!r} must import, but it raises {type(error).__name__}: {text}{place}"


def _check_same(name: str, file: str | None, folders: Sequence[Path]) -> None:
    """One process has one module of a name; another file under it would be silently left aside."""
    if "." in name:
        return
    spec = PathFinder.find_spec(name, [str(folder.resolve()) for folder in folders])
    if spec is not None and spec.origin and file and Path(spec.origin).resolve() != Path(file).resolve():
        raise InputError(f"features.plugins: {name!r} must be one module, but {file} was loaded and not {spec.origin}")


def _file_in(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _imported(source: str, module: str, *, package: bool) -> Iterator[str]:
    """Modules that a source may import; some names may be attributes, which are no file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            upper = parts[: len(parts) - node.level + package] if node.level else []
            base = ".".join([*upper, *([node.module] if node.module else [])])
            yield from (each for each in (base, *(f"{base}.{alias.name}" for alias in node.names)) if each)
