"""What Prometheus may know of this process: times and counts, never a name."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Spread:
    """How values spread: how many up to each of these bounds, and their sum. One thread alone counts; the library's
    own histogram is for several, and takes ten times as long, for every note thrice."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float] = _SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """The buckets of the exposition format, each with all below it, and the sum."""
        names = map(floatToGoString, (*self._bounds, float("inf")))
        return list(zip(names, accumulate(self._counts), strict=True)), self._sum


class Metrics:
    """One registry a process. Where several are reached at one address, each puts its name to all it says: what two of
    them counted is not to be taken for one."""

    def __init__(self, process: str | None = None) -> None:
        self._process = process
        self.registry = CollectorRegistry()
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._request_time: defaultdict[tuple[str, str], Spread] = defaultdict(Spread)
        self._commit, self._batch = Spread(), Spread((1, 2, 4, 8, 16, 32, 64, 128))
        self.feed_lag = Spread()
        self.registry.register(_Counted(self))
        self.waiting = Gauge("handover_writer_waiting", "Requests waiting for the writer.", registry=self.registry)
        self.wait = Gauge(
            "handover_writer_wait_seconds", "How long a request would wait for the writer now.", registry=self.registry
        )
        self.feeds = Gauge("handover_feeds_open", "Open feeds.", registry=self.registry)
        self.behind = Gauge(
            "handover_feed_behind_events",
            "Events the furthest-behind open feed has not been sent.",
            registry=self.registry,
        )
        self.closed = Counter(
            "handover_feeds_closed_total", "Feeds closed, by close code.", ("code",), registry=self.registry
        )

    def committed(self, requests: int, seconds: float) -> None:
        """A batch became durable."""
        self._commit.observe(seconds)
        self._batch.observe(requests)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests[method, route, status] += 1
        self._request_time[method, route].observe(seconds)

    def counted(self) -> Iterator[Metric]:
        """What is counted here."""
        requests = CounterMetricFamily("handover_requests", "Requests answered.", labels=("method", "route", "status"))
        for (method, route, status), count in list(self._requests.items()):
            requests.add_metric((method, route, str(status)), count)
        times = HistogramMetricFamily("handover_request_seconds", "Time to answer.", labels=("method", "route"))
        for labels, spread in list(self._request_time.items()):
            times.add_metric(labels, *spread.told())
        yield from (requests, times)
        for name, told, spread in (
            ("commit_seconds", "Time from a batch's first statement to its durable commit.", self._commit),
            ("commit_requests", "Requests made durable by one commit.", self._batch),
            ("feed_lag_seconds", "Time from an event's recording to its being read for the open feeds.", self.feed_lag),
        ):
            yield HistogramMetricFamily(f"handover_{name}", told, *spread.told())

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry if self._process is None else self)

    def collect(self) -> Iterator[Metric]:
        """All of it, with the name of this process."""
        for metric in self.registry.collect():
            named = {"process": self._process or ""}
            metric.samples = [one._replace(labels=named | one.labels) for one in metric.samples]
            yield metric


class _Counted(Collector):
    """Hands the registry what is counted in `Metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        return self._metrics.counted()
