"""Text of others stays words wherever it is shown: fifty hostile texts go into every place that shows any.

Terminal, log, Markdown, HTML, CSV, YAML, TOML, MLflow and Triton each have one function; who writes past it is found.
"""

import ast
import csv
import html.parser
import io
import json
import re
import tomllib
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from jinja2 import Environment
from markdown_it import MarkdownIt
from mlflow.utils.validation import _validate_tag
from rich.console import Console

from evaluation.render.foreign_text import html_value, markdown_text, yaml_text
from evaluation.render.style import drawn
from pipeline.bundle.signature import Signature
from pipeline.bundle.triton_form import triton_configuration
from pipeline.inspection.toml_text import Section, toml_text
from pipeline.process.exits import run_command
from pipeline.process.json_log import JsonReporter
from pipeline.process.reporter import PlainReporter, TerminalReporter
from pipeline.process.streams import library_line
from pipeline.process.terminal import print_line, print_table
from pipeline.storage.csv_text import FORMULA, NUMBER, csv_bytes, csv_rows
from pipeline.storage.errors import InputError
from pipeline.tracking.mlflow_text import mlflow_name, mlflow_text, quoted_value
from tests.fixtures.hostile_texts import HARMLESS, HOSTILE

ROOT = Path(__file__).parent.parent
SHOWN_MOST = 20_000
"""Characters that any place shows of one text, with what stands around it."""
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def hidden(shown: str) -> set[str]:
    """Characters in a text that nobody sees, line breaks apart."""
    return {each for each in shown if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def is_plain(shown: str) -> bool:
    """Whether lines are all there is: none hidden, none forged, none without end."""
    _, *further = shown.removesuffix("\n").split("\n")
    return not hidden(shown) and len(shown) < SHOWN_MOST and all(line.startswith("  ") for line in further)


def on_console(act, **settings) -> str:
    stream = io.StringIO()
    act(Console(file=stream, width=30_000, color_system=None, **settings))
    return stream.getvalue()


@hostile
def test_a_terminal_shows_a_line_and_nothing_happens(text):
    for act in (
        lambda console: print_line(f"of {text}", console=console),
        lambda console: print_line(text, console=console, style="red"),
        lambda console: PlainReporter(console).say(text),
        lambda console: PlainReporter(console).warn(text),
        lambda console: TerminalReporter(console).say(text),
    ):
        assert is_plain(on_console(act))
    assert is_plain(library_line(text))


@hostile
def test_markup_and_emoji_codes_stand_as_they_are(text):
    shown = on_console(lambda console: print_line(text, console=console))
    for part in re.findall(r"\[/?[a-z]+[^\]]*\]|:skull:", text[:1000]):
        assert part in shown


@hostile
def test_a_table_has_a_row_for_a_row(text):
    shown = on_console(lambda console: print_table(["name"], [[text[:50]]], console=console))
    assert not hidden(shown)
    assert len(shown.splitlines()) == 5


@hostile
def test_an_error_ends_with_one_message(text, capsys):
    def refuse():
        raise InputError(f"{text}: must be a name")

    assert run_command(refuse) == 2
    assert is_plain(capsys.readouterr().err)


@hostile
def test_a_traceback_shows_no_more_than_a_message(text, capsys, monkeypatch):
    def fail():
        raise RuntimeError(text)

    monkeypatch.setenv("HARBOR_DEBUG", "1")
    assert run_command(fail) == 1
    shown = capsys.readouterr().err
    assert not hidden(shown)
    assert len(shown) < 2 * SHOWN_MOST


@hostile
def test_a_json_log_is_one_record_that_gives_back_the_text(text):
    stream = io.StringIO()
    JsonReporter(stream).say("found", event="named", name=text, names=[{text: text}])
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert is_plain(line)
    told = json.loads(line)["name"]
    cut = told == text[: len(told) - len("…") - len(told.rpartition("…")[2])] + told[told.rfind("…") :]
    assert told == re.sub("[\ud800-\udfff]", "\ufffd", text) or (len(text) > SHOWN_MOST and cut)


@hostile
def test_markdown_shows_words_alone(text):
    source = f"- {markdown_text(text)}\n\n| a | b |\n|---|---|\n| {markdown_text(text)} | 1 |\n"
    assert not hidden(source)
    tokens = MarkdownIt("js-default").parse(source)
    inline = [each for token in tokens for each in token.children or ()]
    assert {token.type for token in inline} <= {"text", "text_special"}
    kinds = [token.type for token in tokens if token.type.endswith("_open")]
    assert kinds.count("td_open") == 2
    assert not {"heading_open", "blockquote_open", "ordered_list_open"} & set(kinds)
    assert not re.search(r"\{[{%#]|\$\{|(?<!\\)://|www\.|(?<!\\)\$", source)  # templates, bare addresses, formulas


class Tags(html.parser.HTMLParser):
    """What a browser would make elements of."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data):
        self.found.append("comment")


@hostile
def test_html_has_the_elements_of_the_template_alone(text):
    template = Environment(autoescape=True, finalize=html_value).from_string('<p title="{{ text }}">{{ text }}</p>')
    page = template.render(text=text)
    tags = Tags()
    tags.feed(page)
    assert tags.found == [("p", "title")]
    assert not hidden(page)
    assert len(page) < SHOWN_MOST


def test_a_picture_is_drawn_with_any_words_in_it():
    texts = list(HOSTILE.values())

    def draw(figure):
        axes = figure.subplots()
        for place, text in enumerate(texts):
            axes.text(0, place / len(texts), text[:60])

    for title in texts[::7]:
        picture = drawn("x", title, title, draw, height=20, width=40)
        tags = Tags()
        tags.feed(picture.svg)
        assert {tag[0] for tag in tags.found} <= {"svg", "title", "defs", "g", "path", "use", "text", "tspan", "style"}
        assert not hidden(picture.svg)


@hostile
def test_a_cell_of_csv_is_neither_a_formula_nor_two_lines(text):
    csv.field_size_limit(1 << 20)
    valid = text.encode("utf-8", "replace").decode()
    table = csv_bytes(pa.table({valid[:1000]: pa.array([valid, "amount"]), "p": [0.5, -1.0]})).decode()
    rows = csv_rows([[text, 0.5], [None, -1]])
    for shown in (table, rows):
        parsed = list(csv.reader(io.StringIO(shown)))
        assert not hidden(shown)
        assert len(shown.splitlines()) == len(parsed)
        assert all(len(row) == 2 for row in parsed)
        texts = [row[0] for row in parsed]
        assert not [cell for cell in texts if cell[:1] != "'" and FORMULA.match(cell) and not NUMBER.fullmatch(cell)]


@hostile
def test_yaml_and_toml_read_back_one_text(text):
    assert not hidden(yaml_text(text))
    assert isinstance(yaml.safe_load(f"name: {yaml_text(text)}")["name"], str)
    written = toml_text([Section("data", {"column": text, text[:900]: 1}, (f"# {text}",))])
    read = tomllib.loads(written)
    valid = re.sub("[\ud800-\udfff]", "\ufffd", text)
    assert read == {"data": {"column": valid, valid[:900]: 1}}
    assert not hidden(written)


@hostile
def test_mlflow_takes_and_shows_a_tag(text):
    name, value = mlflow_name(text), mlflow_text(text, 5000)
    _validate_tag(name, value)
    assert not hidden(value)
    assert len(value) <= 5000
    quote, *_, end = quoted_value(text)
    assert quote == end
    assert quote not in quoted_value(text)[1:-1]


@hostile
def test_a_configuration_of_triton_keeps_its_lines(text):
    plain = triton_configuration(Signature(("x",), (), ("probability",)))
    shown = triton_configuration(Signature((text,), (), ("probability",)))
    assert shown.count("\n") == plain.count("\n")
    assert len(re.findall(r'(?<!\\)"', shown)) == plain.count('"')
    assert not hidden(shown)


@pytest.mark.parametrize("text", HARMLESS)
def test_an_ordinary_text_comes_through_unchanged(text):
    assert on_console(lambda console: print_line(text, console=console)) == f"{text}\n"
    assert markdown_text(text) == text
    assert csv_rows([[text]]) in (f"{text}\n", f'"{text}"\n')
    assert mlflow_text(text, 100) == text
    assert html_value(text) == text


DOORS = {
    "a console": ({"Console"}, {"pipeline/process/terminal.py", "pipeline/cli.py", "pipeline/serve/serve_command.py"}),
    "a print": ({"print"}, {"pipeline/process/terminal.py", "pipeline/process/json_log.py"}),
    "typer's echo": ({"echo", "secho"}, set()),
    "a writer of CSV": ({"csv.writer", "DictWriter", "write_csv", "to_csv"}, {"pipeline/storage/csv_text.py"}),
    "a tag of MLflow": ({"RunTag", "set_tag", "Param"}, {"pipeline/tracking/sender.py"}),
    "a template": ({"Environment", "Template", "from_string"}, {"evaluation/render/page.py"}),
    "markup that is trusted": ({"Markup"}, {"evaluation/render/page.py"}),
    "markup of rich": ({"from_markup", "render_str", "Panel"}, set()),
}
"""Who may show text, by what a call of it looks like."""
PRINTS = {"pipeline/process/terminal.py", "pipeline/process/reporter.py"}
"""Where a console is printed on: the one function, and the reporters, which go through its two."""


def calls(source: str) -> set[str]:
    """Names that a source calls, with the object before the dot where it is a plain name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            target = node.func
            if isinstance(target, ast.Name):
                found.add(target.id)
            elif isinstance(target, ast.Attribute):
                found |= {target.attr, f".{target.attr}"}
                found |= {f"{target.value.id}.{target.attr}"} if isinstance(target.value, ast.Name) else set()
    return found


SOURCES = {
    path.relative_to(ROOT).as_posix(): calls(path.read_text(encoding="utf-8"))
    for folder in ("features", "models", "evaluation", "pipeline")
    for path in (ROOT / folder).rglob("*.py")
}


@pytest.mark.parametrize("what", DOORS)
def test_text_is_shown_through_its_own_door_only(what):
    names, doors = DOORS[what]
    if what == "a print":
        names = {"print"}
        assert not {path for path, found in SOURCES.items() if ".print" in found} - PRINTS
        found = {path for path, called in SOURCES.items() if "print" in called and ".print" not in called}
    else:
        found = {path for path, called in SOURCES.items() if names & called}
    assert found <= doors


def test_the_reader_of_calls_sees_what_it_must():
    assert {"print", "csv.writer", "writer", ".writer"} <= calls("print(1)\ncsv.writer(x)")
