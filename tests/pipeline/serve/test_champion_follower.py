"""The alias of a registry is followed, from what it names to what a server puts in place."""

import contextlib
import http.server
import json
import socketserver
import threading

from pipeline.config import load_config
from pipeline.registry.model_registry import Version
from pipeline.serve import champion_follower
from pipeline.serve.champion_follower import followed_once, swapped


class Registry:
    """A registry that has one alias."""

    def __init__(self, version):
        self.version, self.fetched = version, 0

    def aliased(self):
        return {} if self.version is None else {"champion": self.version}

    def fetch_bundle(self, version, folder):
        self.fetched += 1
        folder.mkdir()
        (folder / "manifest.json").write_text(version.manifest)


def follow(monkeypatch, registry, seen, tmp_path):
    monkeypatch.setattr(
        champion_follower, "opened_registry", lambda *_, **__: contextlib.nullcontext(registry)
    )  # fmt: skip

    def swap(bundle, version):
        return f"{version.number}: {(bundle / 'manifest.json').read_text()}"

    return followed_once(load_config(None, environment={}), "champion", seen, runs=tmp_path, swap=swap)


def test_a_bundle_that_is_new_is_fetched_and_handed_on_once(monkeypatch, tmp_path):
    registry = Registry(Version("4", "abc", "somewhere"))
    seen, said = follow(monkeypatch, registry, "old", tmp_path)
    assert (seen, said) == ("abc", "4: abc")
    assert follow(monkeypatch, registry, seen, tmp_path) == ("abc", "")
    assert registry.fetched == 1


def test_an_alias_that_names_nothing_changes_nothing(monkeypatch, tmp_path):
    assert follow(monkeypatch, Registry(None), "old", tmp_path) == ("old", "")
    assert follow(monkeypatch, Registry(Version("1", "", "x")), "old", tmp_path) == ("old", "")


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
