import json

from pipeline.stages.artifacts.evaluate_report import EvaluateReport


def test_what_the_program_reads_of_a_judgement_is_what_the_file_says(small_run):
    path = small_run / "evaluate" / "report.json"
    read, content = EvaluateReport.read(path), json.loads(path.read_text())
    assert (read.gate.passed, list(read.gate.reasons)) == (content["gate"]["passed"], content["gate"]["reasons"])
    assert (read.population.start, read.population.end) == (content["population"]["from"], content["population"]["to"])
    assert read.drift.sentence == content["drift"]["sentence"]
    assert len(read.smoothing.sweep) == len(content["smoothing"]["sweep"])
