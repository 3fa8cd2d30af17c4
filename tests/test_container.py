"""The container's files agree with one another: what is copied, what runs, who runs it and where it may write."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
import yaml

from pipeline.cli import app

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
BLOCK = re.search(r"```yaml\n(.*?)```", (ROOT / "pipeline" / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
MANIFEST = yaml.safe_load(BLOCK[1])
POD = MANIFEST["spec"]["jobTemplate"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def last(word):
    return [line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} ")][-1]


def test_the_default_command_is_one_that_harbor_knows():
    verb, option, config = json.loads(last("CMD"))
    known = {each for parameter in typer.main.get_command(app).commands[verb].params for each in parameter.opts}
    assert json.loads(last("ENTRYPOINT")) == ["harbor"]
    assert option in known
    assert Path(last("WORKDIR"), config).parent.as_posix() in {each["mountPath"] for each in CONTAINER["volumeMounts"]}
    assert not {"command", "args"} & CONTAINER.keys()


def test_the_manifest_runs_as_the_user_of_the_image_and_mounts_all_that_is_written_to():
    user, group = map(int, last("USER").split(":"))
    security = POD["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (user, group, group)
    written = {each["mountPath"] for each in CONTAINER["volumeMounts"] if not each.get("readOnly")}
    assert written == {*json.loads(last("VOLUME")), "/tmp"}
    places = [place for place in re.findall(r"=(/\S+)", last("ENV")) if not place.startswith("/opt/")]
    assert len(places) > 3
    assert all(any(place.startswith(f"{each}/") for each in written) for place in places)
    assert {each["name"] for each in CONTAINER["volumeMounts"]} == {each["name"] for each in POD["volumes"]}


def test_no_exit_code_that_comes_again_is_tried_again_and_the_probe_reads_the_image_s_heartbeat():
    rules = MANIFEST["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert {rule["action"]: rule["onExitCodes"]["values"] for rule in rules if "onExitCodes" in rule} == {
        "FailJob": [2, 3],
        "Ignore": [4],
    }
    assert POD["restartPolicy"] == "Never"
    probe = CONTAINER["livenessProbe"]["exec"]["command"][-1]
    assert "$HARBOR_HEARTBEAT" in probe
    assert "HARBOR_HEARTBEAT=" in last("ENV")


@pytest.mark.parametrize(
    "source", sorted({word for line in LINES if re.match(r"COPY (?!--from)", line) for word in line.split()[1:-1]})
)
def test_what_is_copied_is_there_and_not_ignored(source):
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert (ROOT / source).exists()
    assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in kept)
