"""The command says in one line what it cannot work with."""

import importlib.util

import pytest

from pipeline.serve.serve_command import EXTRA


@pytest.mark.parametrize("name", EXTRA)
def test_a_package_of_the_extra_that_is_missing_is_named(harbor, monkeypatch, name):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda each, *more: None if each == name else found(each, *more))
    code, said = harbor("serve", "--bundle", "b", "--state", "s")
    assert code == 2
    assert said.strip() == (
        f"harbor: harbor serve needs the extra `serve` (pip install 'harbor-fraud[serve]'), but {name} is not installed"
    )


def test_what_is_no_bundle_or_no_state_is_refused(harbor, small_run, tmp_path):
    export = small_run / "export"
    code, said = harbor("serve", "--bundle", export / "bundle", "--state", tmp_path)
    assert (code, "manifest.json" in said) == (2, True)
    code, said = harbor("serve", "--bundle", tmp_path, "--state", export / "state", "--port", 0)
    assert (code, "Traceback" in said) == (2, False)


def test_an_operating_point_that_the_bundle_lacks_is_refused(harbor, small_run):
    export = small_run / "export"
    given = ("--port", 0, "--threshold", "nope", "--folder", "served")
    code, said = harbor("serve", "--bundle", export / "bundle", "--state", export / "state", *given)
    assert (code, "must have the operating point 'nope'" in said) == (2, True)


def test_beyond_loopback_tokens_are_needed(harbor, small_run):
    export = small_run / "export"
    given = ("--host", "0.0.0.0", "--port", 0)
    code, said = harbor("serve", "--bundle", export / "bundle", "--state", export / "state", *given)
    assert (code, "serve.tokens must name a file" in said) == (2, True)
