"""Settings as TOML that a person reads: a comment above each choice, short lists on one line."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.storage.visible_text import HIDDEN

LINE = 110


@dataclass(frozen=True)
class Section:
    """One table of a TOML file: its header (empty for what stands above all), its keys, and comments above it."""

    header: str
    keys: Mapping[str, Any]
    comments: tuple[str, ...] = ()


def toml_text(sections: Sequence[Section]) -> str:
    """The sections in their order; those that hold nothing are left out.

    >>> print(toml_text([Section("label", {"column": "fraud", "yes": ["Y"]}, ("# rare",))]), end="")
    # rare
    [label]
    column = "fraud"
    yes = ["Y"]
    """
    return "\n".join(_section(each) for each in sections if each.keys or each.comments)


def toml_value(value: Any) -> str:
    """A value of a key: text, number, truth value, list or table."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        parts = [toml_value(each) for each in value]
        line = f"[{', '.join(parts)}]"
        return line if len(line) <= LINE else _long_list(parts)
    return _quoted(value)


def toml_key(key: str) -> str:
    """A key, quoted where it must be."""
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _quoted(key)


def _quoted(value: object) -> str:
    """A text in quotes, or a number or truth value: what JSON and TOML write alike; hidden characters by number."""
    return HIDDEN.sub(_number, json.dumps(value, ensure_ascii=False))


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _long_list(parts: Sequence[str]) -> str:
    """As many values on a line as it takes."""
    lines = [" "]
    for part in parts:
        if len(lines[-1]) + len(part) + 2 > LINE:
            lines.append(" ")
        lines[-1] += f" {part},"
    return "\n".join(["[", *lines, "]"])


def _section(section: Section) -> str:
    lines = [*map(_one_line, section.comments), *([section.header and f"[{section.header}]"] if section.header else [])]
    lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in section.keys.items()]
    return "\n".join(lines) + "\n"


def _one_line(comment: str) -> str:
    """A comment that a name with a line break in it cannot end."""
    return HIDDEN.sub(" ", comment)
