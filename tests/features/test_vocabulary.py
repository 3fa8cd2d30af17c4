import json

import pyarrow as pa

from features.vocabulary import Vocabulary, code_pairs, fit_vocabulary


def strings(values):
    return pa.chunked_array([pa.array(values, pa.string())])


def test_frequent_values_have_their_own_code_and_rare_ones_none():
    values = strings(["b"] * 3 + ["a"] * 3 + ["c"] * 5 + ["d"])
    vocabulary = fit_vocabulary(values, min_count=2, max_size=10, buckets=4)
    assert vocabulary.codes == {"c": 1, "a": 2, "b": 3}
    assert vocabulary.size == 4


def test_values_beyond_the_largest_size_share_buckets_and_unseen_ones_do_not():
    values = strings([f"m{i}" for i in range(100) for _ in range(2 + (i < 3))])
    vocabulary = fit_vocabulary(values, min_count=2, max_size=3, buckets=4)
    assert [vocabulary.codes[f"m{i}"] for i in range(3)] == [1, 2, 3]
    assert {vocabulary.codes[f"m{i}"] for i in range(3, 100)} == {4, 5, 6, 7}
    assert vocabulary.size == 8
    assert vocabulary.apply(strings(["m200"])).tolist() == [0]


def test_a_bucket_is_the_same_in_every_process():
    values = strings(["x", "x", "y"])
    assert fit_vocabulary(values, min_count=1, max_size=1, buckets=1000).codes == {"x": 1, "y": 2 + 671}


def test_a_missing_category_is_a_value_of_its_own():
    values = strings([None] * 5 + ["a"] * 2)
    vocabulary = fit_vocabulary(values, min_count=2, max_size=10, buckets=4)
    assert vocabulary.apply(strings([None, "", "a", "b"])).tolist() == [1, 1, 2, 0]


def test_a_column_in_pieces_has_the_codes_of_the_whole():
    vocabulary = fit_vocabulary(strings(["a", "a", "b"]), min_count=1, max_size=9, buckets=1)
    pieces = pa.chunked_array([pa.array(["b", None]), pa.array([], pa.string()), pa.array(["a", "c"])])
    assert vocabulary.apply(pieces).tolist() == [2, 0, 1, 0]
    assert vocabulary.apply(pa.chunked_array([], pa.string())).tolist() == []


def test_a_vocabulary_survives_json():
    vocabulary = fit_vocabulary(strings(["a", "a", "b"]), min_count=1, max_size=1, buckets=7)
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


def test_codes_are_paired_by_value_and_new_values_were_unknown():
    now, then = Vocabulary({"a": 1, "b": 2, "c": 3}, 4), Vocabulary({"b": 1, "a": 2}, 3)
    codes_now, codes_then = code_pairs(now, then)
    assert dict(zip(codes_now.tolist(), codes_then.tolist(), strict=True)) == {1: 2, 2: 1, 3: 0}
