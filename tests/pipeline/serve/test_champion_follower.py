"""The alias of a registry is followed, from what it names to what a server puts in place."""

import http.server
import json
import socketserver
import threading

import pytest

from pipeline.registry.model_registry import Version
from pipeline.registry.promotion import promote_run, rollback_champion
from pipeline.serve.champion_follower import followed_once, swapped
from pipeline.storage.digests import sha256_file
from tests.fixtures.registered import DEFAULTS, bundle_run, empty_store

pytestmark = pytest.mark.filterwarnings("ignore")


def test_promotions_and_rollbacks_are_followed_once_each(small_run, tmp_path):
    runs, handed = empty_store(tmp_path), []

    def swap(bundle, version):
        handed.append((version.number, sha256_file(bundle / "manifest.json")))
        return "done"

    def follow(seen):
        return followed_once(DEFAULTS, "champion", seen, runs=runs, swap=swap)

    assert follow("") == ("", "")
    manifests = {}
    for number, name in (("1", "a"), ("2", "b")):
        promote_run(bundle_run(small_run, runs / name, note=name), DEFAULTS)
        manifests[number] = sha256_file(runs / name / "export" / "bundle" / "manifest.json")
        seen, said = follow(manifests.get("1", "") if number == "2" else "")
        assert (seen, said) == (manifests[number], "done")
        assert follow(seen) == (seen, "")
    rollback_champion(DEFAULTS, runs=runs)
    assert follow(seen) == (manifests["1"], "done")
    assert handed == [("1", manifests["1"]), ("2", manifests["2"]), ("1", manifests["1"])]


def test_a_server_is_asked_by_its_socket(tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"manifest": "abc"}')

        def log_message(self, *_):
            pass

        def address_string(self):
            return "unix"

    with socketserver.UnixStreamServer(str(tmp_path / "admin.sock"), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        told = swapped(tmp_path / "admin.sock", tmp_path / "bundle", Version("4", "abc", ""))
        thread.join()
    assert told == '{"manifest": "abc"}'
    assert asked == [("/swap", {"bundle": str(tmp_path / "bundle"), "version": "4"})]
