"""What Prometheus may know of this process: times and counts, never a name."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One registry a process. Where several are reached at one address, each puts its name to all it says: what two of
    them counted is not to be taken for one."""

    def __init__(self, process: str | None = None) -> None:
        self._process = process
        self.registry = CollectorRegistry()
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.commit = Histogram(
            "handover_commit_seconds",
            "Time from a batch's first statement to its durable commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "handover_commit_requests",
            "Requests made durable by one commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.waiting = Gauge("handover_writer_waiting", "Requests waiting for the writer.", registry=self.registry)
        self.wait = Gauge(
            "handover_writer_wait_seconds", "How long a request would wait for the writer now.", registry=self.registry
        )
        self.requests = Counter(
            "handover_requests_total", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.request_time = Histogram(
            "handover_request_seconds", "Time to answer.", ("method", "route"), buckets=_SECONDS, registry=self.registry
        )
        self.feeds = Gauge("handover_feeds_open", "Open feeds.", registry=self.registry)
        self.feed_lag = Histogram(
            "handover_feed_lag_seconds",
            "Time from the recording of an event to its being read for the open feeds.",
            buckets=_SECONDS,
            registry=self.registry,
        )
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
        self.commit.observe(seconds)
        self.batch.observe(requests)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        # Looking a metric up by its labels costs more than counting: what was looked up once is kept.
        kept = self._answered.get((method, route, status))
        if kept is None:
            kept = self.requests.labels(method, route, str(status)), self.request_time.labels(method, route)
            self._answered[method, route, status] = kept
        kept[0].inc()
        kept[1].observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry if self._process is None else self)

    def collect(self) -> Iterator[Metric]:
        """All of it, with the name of this process."""
        for metric in self.registry.collect():
            named = {"process": self._process or ""}
            metric.samples = [one._replace(labels=named | one.labels) for one in metric.samples]
            yield metric
