"""The heartbeat is as old as the last thing a job said."""

from pipeline.process.heartbeat import BeatingReporter
from pipeline.process.reporter import SilentReporter


def test_the_heartbeat_follows_what_the_job_says_and_never_stops_it(tmp_path):
    file = tmp_path / "alive" / "beat"
    reporter = BeatingReporter(SilentReporter(), file)
    for act in (lambda: reporter.say("x"), lambda: reporter.warn("x"), lambda: reporter.progress(1, 2)):
        file.unlink()
        act()
        assert file.is_file()
    (tmp_path / "taken").write_text("a file, no folder")
    BeatingReporter(SilentReporter(), tmp_path / "taken" / "beat").say("goes on")
