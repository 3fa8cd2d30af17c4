"""The files beside the service agree with it: options, ports, metrics and folders are those that there are."""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import typer
import yaml

from pipeline.cli import app as commands
from pipeline.config import load_config
from pipeline.serve.service_metrics import PHASES, TOLD
from tests.fixtures.live_service import asked

FOLDER = Path(__file__).parents[3] / "pipeline" / "serve"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
PROMETHEUS = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


def test_the_command_has_options_that_the_verb_has_and_settings_that_there_are():
    verb, *words = COMPOSE["services"]["serve"]["command"]
    known = {option for each in typer.main.get_command(commands).commands[verb].params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assignments = [word for before, word in pairwise(words) if before == "--set"]
    settings = load_config(None, assignments=assignments, environment={}).serve
    assert (settings.durability, settings.tokens) == ("disk", "/run/secrets/tokens")


def test_what_is_written_to_is_a_volume_and_what_is_read_is_mounted():
    service = COMPOSE["services"]["serve"]
    mounts = dict(reversed(each.removesuffix(":ro").rsplit(":", 1)) for each in service["volumes"])
    words = service["command"]
    for option in ("--bundle", "--state", "--folder"):
        place = words[words.index(option) + 1]
        assert any(place.startswith(f"{mount}/") for mount in mounts), place
    assert service["read_only"]
    named = {volume.partition(":")[0] for each in COMPOSE["services"].values() for volume in each["volumes"]}
    assert {name for name in named if re.fullmatch(r"[a-z]+", name)} == COMPOSE["volumes"].keys()
    assert all((FOLDER / name).is_file() for name in named if name.startswith("./"))


def test_prometheus_asks_the_port_that_is_served():
    words = COMPOSE["services"]["serve"]["command"]
    (job,) = PROMETHEUS["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"serve:{words[words.index('--port') + 1]}"]
    assert PROMETHEUS["rule_files"] == ["alerts.yaml"]
    assert '{job="harbor"}' in RULES[0]["expr"]


def test_every_metric_that_a_rule_names_is_one_that_is_scraped(app):
    text = asked(app, "/metrics").body.decode()
    scraped = set(re.findall(r"^# TYPE (harbor_\w+)", text, flags=re.MULTILINE))
    scraped |= {f"harbor_{name}_total" for name in TOLD} | {"harbor_phase_seconds_bucket"}
    named = {name for rule in RULES for name in re.findall(r"harbor_\w+", rule["expr"])}
    assert len(named) > 8
    assert named <= scraped
    assert set(re.findall(r'phase="(\w+)"', json.dumps(ALERTS).replace('\\"', '"'))) <= set(PHASES)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("words", [("rules", "alerts.yaml"), ("config", "prometheus.yaml")])
def test_prometheus_takes_its_files(words):
    found = subprocess.run(["promtool", "check", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_address_of_the_page_is_one_that_is_answered(app):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?:GET|POST) (/[\w/{}.]+)", page)) | set(re.findall(r"8080(/[\w/-]+)", page))
    known = {path + "{id}" if path.endswith("/") else path for path in app.routes}
    assert len(told) > 8
    assert {path for path in told if re.sub(r"/t-1$", "/{id}", path) not in known} == set()
