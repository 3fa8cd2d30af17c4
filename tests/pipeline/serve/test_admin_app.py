"""What the operator may ask, and that it is done."""

import shutil

import pytest

from pipeline.serve.admin_app import AdminApp
from pipeline.serve.bundle_swap import BundleSwap
from tests.fixtures.bundles import edited
from tests.fixtures.live_service import asked


@pytest.fixture
def admin(app):
    return AdminApp(app, BundleSwap(app.service, key=None, say=lambda _: None))


def test_the_digest_is_that_of_the_state_at_its_offset(admin, app, rows):
    asked(app, "/v1/score", rows[0])
    told = asked(admin, "/digest", {}).json
    assert told == {"digest": app.service.engine.digest(), "offset": 2}


def test_a_swap_is_made_or_refused(admin, app, small_run, tmp_path):
    other = shutil.copytree(small_run / "export" / "bundle", tmp_path / "other")
    edited(other, lambda manifest: manifest.update(note="another"))
    told = asked(admin, "/swap", {"bundle": str(other), "version": "3"}).json
    assert told == {"manifest": app.service.deployment.manifest, "version": "3"}
    refused = asked(admin, "/swap", {"bundle": str(tmp_path / "nowhere")})
    assert (refused.status, refused.json["fields"]) == (422, ["bundle"])
    assert app.service.deployment.version == "3"


def test_draining_is_begun_and_ended(admin, app):
    assert asked(admin, "/drain", {}).json["draining"]
    assert asked(app, "/health/ready").status == 503
    asked(admin, "/resume", {})
    assert asked(app, "/health/ready").status == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/swap", {"bundle": 5}, 422),
        ("/swap", {"bundle": "x", "y": 1}, 422),
        ("/nope", {}, 404),
        ("/digest", None, 404),
    ],
)
def test_what_there_is_not_is_refused(admin, path, body, status):
    assert asked(admin, path, body).status == status
