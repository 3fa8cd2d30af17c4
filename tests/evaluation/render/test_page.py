import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from evaluation.render.figures import pictures, unsmoothed_picture
from evaluation.render.page import report_html, span
from evaluation.report.reliability_tables import unsmoothed_section

VOID = {"meta", "link", "br", "img", "hr", "input", "path", "use"}
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def report(whole_report):
    return whole_report


@pytest.fixture(scope="module")
def figures(report):
    return pictures(report)


@pytest.fixture(scope="module")
def page(report, figures):
    return report_html(report, {name: picture.svg for name, picture in figures.items()})


def test_every_figure_that_is_drawn_stands_on_the_page(report, figures):
    page = report_html(report, {name: f"<svg data-figure='{name}'></svg>" for name in figures})
    assert len(figures) > 8
    assert [name for name in figures if f"data-figure='{name}'" not in page] == []


class Tree(HTMLParser):
    """Refuses tags that do not match, and collects ids, links and visible text."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.ids, self.urls, self.words = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.urls += [values[key] for key in ("href", "src", "xlink:href") if key in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def test_the_page_is_well_formed_with_unique_ids_and_no_outside_request(page):
    tree = Tree(page)
    assert len(tree.ids) == len(set(tree.ids))
    outside = [url for url in tree.urls if not url.startswith(("#", "data:,"))]
    assert outside == []
    assert {url[1:] for url in tree.urls if url.startswith("#")} <= set(tree.ids)
    assert "<script" not in page
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []


def test_the_verdict_comes_first(report, page):
    words = " ".join(Tree(page).words).partition("Where from")[2]
    order = ["Money a month", "Can its probabilities", "Segments", "The fraud desk", "Method", "Smoothing and class"]
    assert [words.index(each) for each in order] == sorted(words.index(each) for each in order)
    assert "passes the gate" in page.partition("<nav")[0]
    refused = {**report, "gate": {**report["gate"], "passed": False}}
    assert "refused by the gate" in report_html(refused, {})


def test_the_refusal_and_its_remedy_come_before_what_is_met(report):
    checks = [
        {"name": "skill", "status": "met", "text": "fine", "remedy": ""},
        {"name": "level", "status": "refused", "text": "far off", "remedy": "Wait for labels"},
    ]
    page = report_html({**report, "gate": {**report["gate"], "passed": False, "checks": checks}}, {})
    assert page.index("far off") < page.index("Wait for labels.") < page.index(">fine<")


def test_the_point_that_ships_is_marked_and_the_slider_stands_at_it(report, page):
    (marked,) = re.findall(r'<tr class="pick"><th scope="row">([^<]*)<small>ships</small>', page)
    assert marked == "Expected loss"
    ships = next(point for point in report["money"]["points"] if point["ships"])
    days = [abs(row["alerts_a_day"]["value"] - ships["alerts_a_day"]["value"]) for row in report["money"]["curve"]]
    (step,) = re.findall(r'id="capacity-(\d+)" checked', page)
    assert int(step) == int(np.argmin(days)) + 1


def test_every_step_of_the_slider_has_its_panel_and_a_row_in_the_printed_table(report, page):
    steps = len(report["money"]["curve"])
    for step in range(1, steps + 1):
        assert f'<dl class="facts capacity-{step}">' in page
        assert f"#capacity-{step}:checked ~ .capacity-{step}" in page
    assert f"{report['money']['curve'][0]['saved']['value']:,.0f}".replace("-", "−") in page


def test_tables_have_captions_scopes_and_a_place_in_the_order_of_the_keyboard(page):
    assert page.count("<caption>") == len(re.findall(r"<table", page))
    assert re.findall(r"<th(?!ead)(?![^>]*scope=)[^>]*>", page) == []
    assert re.findall(r'<div class="scroll"(?! tabindex="0" role="region" aria-label=)', page) == []
    assert (page.count("<main>"), page.count("</main>")) == (1, 1)


def test_where_the_baseline_is_ahead_the_page_says_so(report):
    row = {"statistic": "value_recall_at_budget", "shipped": 0.27, "baseline": 0.35, "shown": True, "why": "it may"}
    page = report_html({**report, "baseline_ahead": [row]}, {})
    assert "On value found at budget the baseline is ahead: 35.0\u00a0% against 27.0\u00a0%, a difference that" in page


def test_no_python_is_left_in_prose(report):
    facts = {"name": "x", "smoothing": {"convention": "uniform", "torch": 0.018139650455203}, "weights": [1.0, 0.5]}
    page = report_html({**report, "facts": facts}, {})
    assert "convention uniform, torch 0.01814" in page
    assert "{&#39;" not in page


def test_every_candidate_number_is_on_the_page(report, page):
    for cells in report["candidates"].values():
        assert f"{cells['roc_auc']['value']:.4f}" in page
        assert f"{cells['ece_null_95']:.5f}" in page


def test_the_page_and_its_figures_are_the_same_every_time(report, figures, page):
    read_back = json.loads(json.dumps(report))
    slim = {**read_back, "reliability": {**read_back["reliability"], "test": {}, "smoothing": {}}}
    again = pictures(slim)
    assert len(again) > 5
    assert all((picture.png, picture.svg) == (figures[n].png, figures[n].svg) for n, picture in again.items())
    assert report_html(read_back, {name: picture.svg for name, picture in figures.items()}) == page


def test_figures_take_their_colours_and_fonts_from_the_page(figures):
    for name, picture in figures.items():
        assert re.findall(r"#[0-9a-f]{6}", picture.svg) in ([], ["#000000"]), name
        assert "font-family" not in picture.svg
        assert "<metadata" not in picture.svg
        assert "<style" not in picture.svg
        assert picture.png.startswith(b"\x89PNG")


def test_text_from_data_cannot_become_markup(report):
    evil = {**report, "notes": [{"topic": "data", "text": "<script>alert(1)</script>"}]}
    assert "<script>" not in report_html(evil, {})


def test_a_bare_report_still_makes_a_page(report):
    nothing = {
        **report,
        "temperature": {
            "table": [],
            "additive_benefit": False,
            "reason": "No calibrators were compared.",
            "contrasts": [],
        },
        "operating_points": {},
        "money": {},
        "desk": {},
        "baseline_ahead": [],
        "notes": [],
        "looks": [],
        "facts": {},
        "configuration": {},
        "reliability": {**report["reliability"], "valid_unsmoothed": None},
    }
    cells = {
        name: {**c, "roc_auc": {"value": None, "low": None, "high": None}} for name, c in report["candidates"].items()
    }
    Tree(report_html({**nothing, "candidates": cells}, {}))


def test_the_evidence_before_the_sweep_is_a_picture_of_its_own():
    rng = np.random.default_rng(1)
    p = rng.random(2000) ** 4
    section = unsmoothed_section((rng.random(2000) < p).astype(float), p, bins=15)
    assert {"brier", "ece", "log_loss", "rows", "frauds", "prevalence"} <= set(section)
    assert unsmoothed_picture(section).png.startswith(b"\x89PNG")


def test_a_span_stays_on_its_axis_and_is_empty_where_undefined():
    assert span({"value": None, "low": None, "high": None}, low=0, high=1) == ""
    far = span({"value": 5.0, "low": -3.0, "high": 9.0}, low=0, high=2, mark=1)
    assert "left:100.0%" in far
    assert "left:0.0%;width:100.0%" in far


def browse(page_path, folder, *flags):
    """Headless Chromium on one page; what it logs to the console comes back."""
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            "--enable-logging=stderr", "--v=0", f"--user-data-dir={folder}", *flags, page_path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")
@pytest.mark.parametrize("flags", [(), ("--blink-settings=preferredColorScheme=0",)], ids=["light", "dark"])
def test_a_browser_draws_the_page_without_a_console_line(page, tmp_path, flags):
    (tmp_path / "report.html").write_text(page)
    shot = tmp_path / "shot.png"
    _, console = browse(
        tmp_path / "report.html", tmp_path / "profile", f"--screenshot={shot}", "--window-size=1200,2400", *flags
    )
    assert console == []
    assert shot.stat().st_size > 50_000


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")
def test_nothing_is_wider_than_a_phone(page, tmp_path):
    probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
    (tmp_path / "inner.html").write_text(page.replace("</body>", probe))
    outer = (
        '<iframe id="f" src="inner.html" style="width:390px;height:800px;border:0"></iframe>'
        "<script>onload = () => {document.body.dataset.w = document.getElementById('f').contentDocument.title}</script>"
    )
    (tmp_path / "outer.html").write_text(outer)
    dom, _ = browse(tmp_path / "outer.html", tmp_path / "profile", "--dump-dom", "--allow-file-access-from-files")
    width, screen = re.search(r'data-w="(\d+) of (\d+)"', dom).groups()
    assert int(width) <= int(screen) == 390
