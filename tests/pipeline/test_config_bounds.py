"""No number of a configuration is without limits: an absurd one must be refused before anything is made with it."""

import pytest

from pipeline.config import Config, load_config
from pipeline.storage.errors import InputError

CHECKED_BY_RULE = {"sweep.smoothing[]", "boosting.monotone.*"}
"""Numbers that a rule over the section bounds, or that are one of a few."""


def numbers(schema, node, path=""):
    """Path, and whether both ends are limited, of every number that a configuration may hold."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    for other in (*node.get("anyOf", ()), *node.get("allOf", ())):
        yield from numbers(schema, other, path)
    if node.get("type") in ("integer", "number") and node.get("format") != "duration":
        yield path, all(node.keys() & {end, f"exclusive{end.capitalize()}"} for end in ("minimum", "maximum"))
    for name, each in node.get("properties", {}).items():
        yield from numbers(schema, each, f"{path}.{name}".lstrip("."))
    for each in (node.get("items"), *node.get("prefixItems", ())):
        yield from numbers(schema, each, f"{path}[]") if isinstance(each, dict) else ()
    if isinstance(more := node.get("additionalProperties"), dict):
        yield from numbers(schema, more, f"{path}.*")


FOUND = dict(numbers(Config.model_json_schema(), Config.model_json_schema()))


def test_every_number_has_a_least_and_a_largest_value():
    assert len(FOUND) > 80
    assert {path for path, limited in FOUND.items() if not limited} == CHECKED_BY_RULE


@pytest.mark.parametrize("value", ["1e300", "inf", "nan", "-1e300", str(10**40)])
@pytest.mark.parametrize("path", sorted(path for path in FOUND if path.count(".") == 1 and path[-1] not in "]*"))
def test_an_absurd_number_is_refused_with_its_key(path, value):
    with pytest.raises(InputError, match=path):
        load_config(None, assignments=(f"{path}={value}",))


@pytest.mark.parametrize("value", ["999999999999d", "99999999999999999999d", "-1d", "1e9d"])
@pytest.mark.parametrize("path", ["labels.delay", "refit.block", "features.horizon", "data.max_silence"])
def test_an_absurd_duration_is_refused_with_its_key(path, value):
    with pytest.raises(InputError, match=path):
        load_config(None, assignments=(f"{path}='{value}'",))


@pytest.mark.parametrize(
    "assignment",
    ["sweep.smoothing=[" + "0.1," * 5_000 + "]", "features.windows=[" + "'1d'," * 5_000 + "]", "x=" + "[" * 100_000],
)
def test_lists_without_end_are_refused(assignment):
    with pytest.raises(InputError):
        load_config(None, assignments=(assignment,))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("x = " + "[" * 100_000, "nested too deeply|cannot be read"),
        ("# " + "x" * (1 << 20), "must have at most 1,048,576 bytes"),
        ("x = '\0'", "cannot be read"),
    ],
)
def test_a_file_without_end_is_refused(tmp_path, content, fault):
    path = tmp_path / "x.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=fault):
        load_config(str(path))
