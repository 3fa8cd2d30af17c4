"""What is counted is what Prometheus reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.serve.service_metrics import ServiceMetrics
from tests.fixtures.live_service import asked


def samples(text):
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_counters_and_histograms_are_read_as_they_were_counted():
    metrics = ServiceMetrics()
    metrics.add("rows", "exact", count=3)
    metrics.add("audit_mismatches", count=2)
    metrics.phases["graph"].observe(0.0003)
    found = samples(metrics.scraped(lambda: {"state_bytes": ("bytes", 12.0)}))
    assert found["harbor_rows_total", (("outcome", "exact"),)] == 3
    assert found["harbor_audit_mismatches_total", ()] == 2
    assert found["harbor_shed_total", ()] == 0
    assert found["harbor_state_bytes", ()] == 12
    assert found["harbor_phase_seconds_bucket", (("le", "0.0002"), ("phase", "graph"))] == 0
    assert found["harbor_phase_seconds_bucket", (("le", "0.0004"), ("phase", "graph"))] == 1
    assert found["harbor_phase_seconds_count", (("phase", "graph"),)] == 1
    assert found["harbor_phase_seconds_sum", (("phase", "graph"),)] == pytest.approx(0.0003)


def test_scores_like_the_golden_ones_are_stable_and_others_are_not():
    metrics, golden = ServiceMetrics(), [place / 100 for place in range(100)]
    metrics.expect(golden)
    for value in golden:
        metrics.score(value + 0.001)
    assert metrics.stability < 0.01
    metrics.expect(golden)
    for _ in range(100):
        metrics.score(0.99)
    assert metrics.stability > 1


def test_categories_that_training_did_not_know_are_counted_by_column(app, rows):
    asked(app, "/v1/score", {**rows[0], "channel": "pigeon", "merchant_id": "m-new"})
    asked(app, "/v1/score", {**rows[1], "channel": None})
    found = samples(asked(app, "/metrics").body)
    assert found["harbor_unseen_total", (("column", "channel"),)] == 1
    assert found["harbor_unseen_total", (("column", "merchant_id"),)] == 1


def test_a_scrape_tells_what_a_service_did(app, rows):
    asked(app, "/v1/score", rows[0])
    asked(app, "/v1/score", rows[0])
    asked(app, "/v1/score", {**rows[0], "amount": 9.75})
    asked(app, "/v1/score", b"{")
    found = samples(asked(app, "/metrics").body)
    assert [found["harbor_rows_total", (("outcome", each),)] for each in ("exact", "repeated", "conflict")] == [1, 1, 1]
    assert [found["harbor_refusals_total", (("status", each),)] for each in ("400", "409")] == [1, 1]
    assert found["harbor_replays_total", ()] == 1
    assert found["harbor_log_offset", ()] == 2
    assert found["harbor_log_writable", ()] == 1
