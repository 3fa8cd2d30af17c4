"""What the service counts, and how Prometheus reads it: plain numbers that one thread adds to, named at the scrape."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.serve.histogram import LATENCIES, Histogram, stability_index

PHASES = ("read", "features", "graph", "reasons", "log", "total")
SCORES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BINS = 10
"""Of the stability index: a tenth of the golden rows in each."""
TOLD = {
    "rows": ("outcome", "rows by what became of them"),
    "decisions": ("threshold decision", "answers by operating point and decision"),
    "refusals": ("status", "requests refused by status"),
    "replays": ("", "requests that were answered before and got the same bytes"),
    "shed": ("", "rows that were counted and not scored, for want of time"),
    "labels": ("outcome", "labels by what became of them"),
    "swaps": ("outcome", "bundles that took over, or were kept out"),
    "audits": ("", "rows that the batch functions were asked about too"),
    "audit_mismatches": ("", "values that the batch functions answer otherwise: must stay 0"),
    "faults": ("where", "errors that nobody refused in words"),
    "shadow": ("outcome", "rows that the challenger scored too, or was too slow for"),
    "unseen": ("column", "categories that training did not know"),
}
"""Counters: their labels, and what they say."""


class ServiceMetrics:
    """Counters and histograms of one process."""

    def __init__(self) -> None:
        self.counters: dict[str, Counter[tuple[str, ...]]] = {name: Counter() for name in TOLD}
        self.phases = {name: Histogram(LATENCIES) for name in PHASES}
        self.scores = Histogram(SCORES)
        self.shadow_difference = 0.0
        self._edges: tuple[float, ...] = ()
        self._bins: list[int] = []

    def add(self, name: str, *labels: str, count: int = 1) -> None:
        """Add to a counter."""
        self.counters[name][labels] += count

    def total(self, name: str) -> int:
        """Of a counter, over all labels."""
        return sum(self.counters[name].values())

    def expect(self, golden: Sequence[float]) -> None:
        """Compare scores from now on with those of a bundle's golden rows, whose probabilities are in rising order."""
        places = (len(golden) * step // BINS for step in range(1, BINS))
        self._edges = tuple(golden[place] for place in places)
        self._bins = [0] * BINS

    def score(self, probability: float) -> None:
        """Count an answer's probability."""
        self.scores.observe(probability)
        self._bins[bisect_left(self._edges, probability)] += 1

    @property
    def stability(self) -> float:
        """How far scores since the last swap are from those of the golden rows."""
        return stability_index(self._bins, [1 / BINS] * BINS)

    def scraped(self, gauges: Callable[[], Mapping[str, tuple[str, float]]]) -> bytes:
        """All of it as text for Prometheus.

        Args:
            gauges: value and help of what is asked for at the moment, by name.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(self, gauges))
        return generate_latest(registry)

    def families(self) -> Iterator[Metric]:
        """Counters and histograms."""
        for name, (labels, text) in TOLD.items():
            family = CounterMetricFamily(f"harbor_{name}", text, labels=labels.split())
            found = self.counters[name] or ({(): 0} if not labels else {})
            for values, count in sorted(found.items()):
                family.add_metric(list(values), count)
            yield family
        seconds = HistogramMetricFamily("harbor_phase_seconds", "seconds of a row's phases", labels=["phase"])
        for name, histogram in self.phases.items():
            seconds.add_metric([name], histogram.cumulative(), histogram.total)
        yield seconds
        scores = HistogramMetricFamily("harbor_score", "probabilities answered")
        scores.add_metric([], self.scores.cumulative(), self.scores.total)
        yield scores


class _Collected(Collector):
    def __init__(self, metrics: ServiceMetrics, gauges: Callable[[], Mapping[str, tuple[str, float]]]) -> None:
        self._metrics = metrics
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Everything, each time it is asked for."""
        yield from self._metrics.families()
        for name, (text, value) in self._gauges().items():
            yield GaugeMetricFamily(f"harbor_{name}", text, value=value)
