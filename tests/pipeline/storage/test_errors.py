"""What Harbor refuses: all faults counted, and no folder of this machine in what is kept."""

import pytest

from pipeline.storage.errors import InputError, faults_text, portable_message


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        (["a: b"], "1 fault in x.toml\n  a: b"),
        (["a: b", "c: d"], "2 faults in x.toml\n  a: b\n  c: d"),
    ],
)
def test_faults_are_counted_and_stand_on_a_line_each(faults, text):
    assert faults_text(faults, "x.toml") == text


def test_a_portable_message_names_no_folder_of_this_machine(tmp_path):
    error = InputError(f"{tmp_path}/model.onnx must be\n  whole, but {tmp_path} is torn")
    assert portable_message(error, tmp_path) == "model.onnx must be whole, but the bundle is torn"


def test_a_portable_message_is_never_empty_nor_long(tmp_path):
    assert portable_message(KeyError(), tmp_path) == "KeyError"
    assert len(portable_message(InputError("x" * 5000), tmp_path)) == 300
