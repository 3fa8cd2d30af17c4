import re
from itertools import pairwise

import pytest

from evaluation.render.style import BLUE, VARIABLES, drawn, inline_svg, line_colours, nan_for_none


def line(figure):
    figure.subplots().plot([0, 1], [0, 1], color=BLUE, label="a")


def test_the_same_drawing_gives_the_same_bytes():
    one, other = (drawn("a", "Title", "Words.", line, height=2.0) for _ in range(2))
    assert (one.png, one.svg) == (other.png, other.svg)
    assert one.png.startswith(b"\x89PNG")


def test_an_svg_takes_colours_from_the_page_and_says_its_words():
    svg = drawn("a", "Title", "A line.", line, height=2.0).svg
    assert svg.startswith("<svg viewBox=")
    assert "<title>A line.</title>" in svg
    assert f"var(--{VARIABLES[BLUE]})" in svg
    assert BLUE not in svg
    assert "font-family" not in svg


def test_ids_of_two_pictures_on_one_page_never_meet():
    one, other = (set(re.findall(r'\bid="([^"]*)"', drawn(n, "T", "W", line, height=2.0).svg)) for n in ("a", "b"))
    assert one
    assert not one & other


def test_a_reference_inside_an_svg_follows_its_renamed_id():
    svg = '<?xml?><svg viewBox="0 0 1 1"><defs><path id="m1"/></defs><use xlink:href="#m1" fill="url(#m1)"/></svg>'
    cleaned = inline_svg(svg, name="a", title="t")
    assert 'id="a-m1"' in cleaned
    assert 'href="#a-m1"' in cleaned
    assert "url(#a-m1)" in cleaned


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_every_line_has_a_colour_and_neighbours_differ(count):
    colours = line_colours(count)
    assert len(colours) == count
    assert all(one != other for one, other in pairwise(colours))


def test_what_is_missing_is_not_drawn():
    first, missing = nan_for_none([0.5, None])
    assert first == 0.5
    assert missing != missing
