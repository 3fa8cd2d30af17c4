import numpy as np
import pyarrow as pa
import pytest

from features.schema.odd_values import ValueSample


def sample(*parts):
    found = ValueSample()
    for part in parts:
        found.add(pa.chunked_array([pa.array(part)]))
    return found


def warned(*parts):
    return list(sample(*parts).id_warnings("card_id"))


CARDS = [f"c{n % 300}" for n in range(1_200)]


def test_ids_of_a_usual_file_are_told_nothing_of():
    shops = np.minimum(np.random.default_rng(1).zipf(1.6, 20_000), 900).astype(str)
    assert warned(CARDS) == []
    assert warned([f"c{n % 5}" for n in range(400)]) == []
    assert all("card_id" not in text for text in warned(shops.tolist()) if "hold" in text)


@pytest.mark.parametrize("word", ["\\N", "NULL", "None", "-1", "n/a", "0"])
def test_a_placeholder_is_named_with_its_share(word):
    assert warned(CARDS, [word] * 300) == [
        f"card_id: about 20.0% of the rows hold {word}, which count as one id each; "
        "where they mean missing, the preset must say missing = [...]"
    ]


def test_an_id_with_an_outlandish_share_is_told_without_its_value():
    (text,) = warned(CARDS, ["4929123412341234"] * 300)
    assert text.startswith("card_id: 1 of the ids has about 20.0% of all rows")
    assert "4929" not in text


def test_whole_numbers_are_judged_as_their_text():
    (text,) = warned([n % 300 for n in range(1_200)], [-1] * 100)
    assert "hold -1," in text


def test_card_numbers_that_a_spreadsheet_cut_are_told():
    numbers = [4539578763600000 + 10 * n for n in range(400)]
    assert warned([str(n) for n in numbers]) == [
        "card_id: all ids of 16 and more digits end in 0, as a spreadsheet leaves card numbers"
    ]
    assert warned([str(n + (n // 10) % 10) for n in numbers]) == []


def test_values_that_only_case_tells_apart_are_counted():
    assert list(sample(["BE", "be", "NL", None]).case_warnings("country")) == [
        "country: 1 values differ from another in case alone; upper = true in the preset joins them"
    ]


def test_rare_values_of_many_are_forgotten_and_frequent_ones_are_not(monkeypatch):
    monkeypatch.setattr("features.schema.odd_values.HELD", 50)
    monkeypatch.setattr("features.schema.odd_values.TRIMMED", 10)
    found = sample(*([[f"{part}-{n}" for n in range(40)] + ["often"] * 20 for part in range(10)]))
    assert (len(found.counts) <= 50, found.counts["often"], found.rows) == (True, 200, 600)
