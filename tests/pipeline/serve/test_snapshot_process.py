"""A snapshot is made by a process of its own, and what goes wrong there is told."""

import asyncio

import pytest

from pipeline.serve.refusal import RefusalError
from pipeline.serve.snapshot_process import made_snapshot


def test_what_goes_wrong_is_told_with_how_it_ended(tmp_path):
    with pytest.raises(RefusalError, match="harbor state compact ended with 2") as found:
        asyncio.run(made_snapshot(tmp_path))
    assert found.value.status == 500
