"""Secrets put where people put them: none comes out again, in a message, a traceback, a record or a file."""

import json

import pytest

from pipeline.config import load_config
from pipeline.process.exits import run_command
from pipeline.process.json_log import log_line
from pipeline.storage.errors import InputError
from pipeline.tracking.mlflow_text import mlflow_text

SECRET = "Xq7sTr0ngS3cr3tV9"
ADDRESSES = [
    f"https://ann:{SECRET}@host/x",
    f"https://ann:p/{SECRET}@host/x",
    f"https://ann:p'{SECRET}@host/x",
    f"https://ann:p {SECRET}@host/x",
    f"https://{SECRET}{SECRET}@host/x",
    f"https://host/x?api_key={SECRET}",
    f"https://host/x?access_token={SECRET}",
    f"https://host/x?sig={SECRET}",
    f"postgresql://host/db?p%61ssword={SECRET}",
    f"postgresql://host/db?options=-c%20{SECRET}",
    f"s3://bucket/x?session_token={SECRET}",
    f"s3://KEY:{SECRET}@bucket/x",
]
SPOKEN = [
    f"secret_key='{SECRET}'",
    f"{{'aws_secret_access_key': '{SECRET}'}}",
    f'{{"password": "{SECRET}"}}',
    f"Authorization: Bearer {SECRET}",
    f'token = "{SECRET}"',
    f"PGPASSWORD={SECRET}",
    *(f"cannot reach {address} now" for address in ADDRESSES),
]


@pytest.mark.parametrize(
    "key", ["data.source", "runs.store", "tracking.uri", "data.hash_key_env", "export.sign_key_env"]
)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_configuration_with_a_secret_is_refused_without_showing_it(key, address):
    with pytest.raises(InputError, match=key) as refused:
        load_config(None, assignments=(f"{key}={json.dumps(address)}",))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("text", SPOKEN)
@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_library_says_comes_out_without_its_secret(text, debug, form, capsys, monkeypatch):
    def fail():
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError(text) from error

    monkeypatch.setenv("HARBOR_DEBUG", debug)
    monkeypatch.setenv("HARBOR_LOG_FORMAT", form)
    assert run_command(fail) == 1
    told = capsys.readouterr()
    assert "RuntimeError" in told.err
    assert SECRET not in told.err + told.out


@pytest.mark.parametrize("text", SPOKEN)
def test_records_hold_no_secret(text):
    assert SECRET not in log_line("info", "x", text, names=[text], **{"a": {text: text}})
    assert SECRET not in mlflow_text(text, 500)
