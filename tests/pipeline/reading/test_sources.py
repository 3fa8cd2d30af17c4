import gzip

import pytest

from pipeline.reading.sources import source_files
from pipeline.storage.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Two CSV files, one of them in a folder of its own, and one compressed."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.csv").write_text("x\n1\n")
    (tmp_path / "deep" / "a.csv").write_text("x\n2\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"x\n3\n"))
    return tmp_path


def test_files_come_sorted_under_names_that_begin_where_their_folders_part(folder):
    files = source_files((str(folder / "deep" / "a.csv"), str(folder / "c.csv.gz"), str(folder / "b.csv")))
    assert [file.name for file in files] == ["b.csv", "c.csv.gz", "deep/a.csv"]
    assert [file.path.name for file in files] == ["b.csv", "c.csv.gz", "a.csv"]


def test_a_pattern_stands_for_every_file_that_fits_and_for_no_folder(folder):
    assert [file.name for file in source_files(f"{folder}/*")] == ["b.csv", "c.csv.gz"]


def test_parquet_is_known_by_how_it_begins_not_by_its_name(folder):
    (folder / "rows.csv").write_bytes(b"PAR1 and more")
    assert source_files(str(folder / "rows.csv"))[0].parquet
    assert not source_files(str(folder / "b.csv"))[0].parquet


def test_a_name_with_pattern_characters_is_a_name_where_the_file_exists(folder):
    (folder / "week[1].csv").write_text("x\n1\n")
    assert source_files(str(folder / "week[1].csv"))[0].name == "week[1].csv"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("deep", "is a folder; give a pattern such as"),
        ("none.csv", "does not exist"),
        ("*.pq", "no file fits this pattern"),
        ("empty.csv", "is empty"),
        ("text.parquet", "must be Parquet, but does not begin like it"),
    ],
)
def test_what_is_no_source_is_refused_with_its_place(folder, entry, said):
    (folder / "empty.csv").touch()
    (folder / "text.parquet").write_text("x\n1\n")
    with pytest.raises(InputError, match=rf"1 fault in data\.source\n  .*{said}"):
        source_files(str(folder / entry))


def test_every_fault_of_a_source_is_told_at_once(folder):
    wanted = (str(folder / "b.csv"), f"{folder}/b.*", str(folder / "none.csv"), " ")
    with pytest.raises(InputError, match=r"3 faults in data\.source") as refused:
        source_files(wanted)
    for fault in ("b.csv: is listed twice", "none.csv: does not exist", "' ': must be a path"):
        assert fault in str(refused.value)


def test_a_source_names_at_least_one_file():
    with pytest.raises(InputError, match="must name at least one file, got an empty list"):
        source_files(())


def test_files_of_this_machine_and_of_a_store_do_not_mix(folder):
    with pytest.raises(InputError, match="files must be all local or all in object stores"):
        source_files((str(folder / "b.csv"), "s3:///nowhere.csv"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b'{"a": 1}\n'),
        ("rows.txt", b'\xef\xbb\xbf\n{"a": 1}\n'),
        ("rows.gz", gzip.compress(b' {"a": 1}\n')),
    ],
)
def test_json_lines_are_known_by_what_they_begin_with(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "rows.csv").write_bytes(b"a,b\n{,}\n")
    found = source_files([str(tmp_path / "rows.csv"), str(tmp_path / name)])
    assert {file.name: file.json for file in found} == {"rows.csv": False, name: True}
