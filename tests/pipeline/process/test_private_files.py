import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.process.private_files import file_mask, private_files
from pipeline.storage.errors import InputError


def modes(folder):
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@pytest.mark.parametrize(("mask", "expected"), [("", {0o600, 0o700}), ("027", {0o640, 0o750})])
def test_files_and_folders_are_their_users_alone_unless_another_mask_is_asked_for(tmp_path, mask, expected):
    with private_files({"HARBOR_UMASK": mask}):
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "scores").write_text("0.5")
    assert modes(tmp_path) == expected


def test_the_mask_of_before_comes_back():
    before = os.umask(0o022)
    try:
        with private_files({}):
            pass
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


@pytest.mark.parametrize("text", ["8", "0777", "-1", "077x", "00077", "0o77", "700"])
def test_what_is_no_mask_or_keeps_the_owner_out_is_refused(text):
    with pytest.raises(InputError, match="HARBOR_UMASK must be octal digits"):
        file_mask({"HARBOR_UMASK": text})


def test_every_file_of_a_stage_is_private_whatever_the_shell_allows(tmp_path):
    (tmp_path / "small.toml").write_text("[data]\nrows = 3000\n[tracking]\nenabled = false\n")
    (tmp_path / "small.toml").chmod(0o600)
    command = [sys.executable, "-m", "pipeline.cli", "ingest", "--run", "run", "--config", "small.toml"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, umask=0, capture_output=True)
    assert (tmp_path / "run" / "ingest" / "transactions.parquet").is_file()
    assert modes(tmp_path) == {0o600, 0o700}
