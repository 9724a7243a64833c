"""Metrics for Prometheus: the ledger's state is read at each scrape; cycles, steps and requests are counted.

Labels are tenants, stages and words of closed lists. An order's id is never a label, since their number is unlimited.
"""

import base64
import binascii
import json
import time
from collections import Counter as Counts
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from shipperone_erp.config import Configuration
from shipperone_erp.connector.api import API_VERSION
from shipperone_erp.domain.events import CycleEnded, Event, RequestEnded, StepEnded
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.fleet_report import fleet_of, worker_rows

PREFIX = "shipperone_erp_"
VERSION = version("shipperone-erp")
"""Looked up once: each lookup is kept by importlib for as long as the process lives."""

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0)
QUEUE = ("tenant", "stage")


class Metrics:
    """One registry for one page or one runtime: an observer of the runtime, and a collector of the ledger's state.

    While the ledger cannot be read, only `build_info` and what was counted are exported.
    """

    content_type: str = CONTENT_TYPE_LATEST

    def __init__(self, configuration: Configuration, ledger: Ledger) -> None:
        self._configuration = configuration
        self._ledger = ledger
        self.registry = CollectorRegistry()
        self._listed: dict[tuple[str, str], int] = {}
        self._cycles = self._counter("cycles", "Reads of a queue, by outcome.", *QUEUE, "ending")
        self._cycle_duration = self._histogram("cycle_duration_seconds", "A read of a queue and its decisions.", *QUEUE)
        self._steps = self._counter("steps", "Effects at ShipperOne and in the ERP.", *QUEUE, "step", "outcome")
        self._step_duration = self._histogram(
            "step_duration_seconds", "Time from the intent to the outcome.", *QUEUE, "step"
        )
        self._requests = self._counter("http_requests", "Requests to ShipperOne.", "tenant", "method", "status")
        self._request_duration = self._histogram(
            "http_request_duration_seconds", "Time until the answer was read.", "tenant", "method"
        )
        self.registry.register(self)

    def exposition(self) -> bytes:
        """All metrics in the text format of OpenMetrics. Blocking: reads the ledger."""
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call, unused-ignore]
        return text

    def __call__(self, event: Event) -> None:
        """Observes an event of the runtime."""
        match event:
            case CycleEnded():
                queue = event.tenant, event.stage.value
                self._cycles.labels(*queue, "ok" if event.good else "failed").inc()
                self._cycle_duration.labels(*queue).observe(event.seconds)
                if event.listed is not None:
                    self._listed[queue] = event.listed
            case StepEnded():
                of = event.job.tenant, event.job.stage.value, event.kind.value
                self._steps.labels(*of, event.outcome.value).inc()
                self._step_duration.labels(*of).observe(event.seconds)
            case RequestEnded():
                status = "none" if event.status is None else f"{event.status // 100}xx"
                self._requests.labels(event.tenant, event.method, status).inc()
                self._request_duration.labels(event.tenant, event.method).observe(event.seconds)

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, *labels: str) -> Histogram:
        return Histogram(PREFIX + name, description, labels, registry=self.registry, buckets=SECONDS)

    def describe(self) -> list[Any]:
        """No metrics, so that registration does not read the ledger."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields one metric family after another."""
        yield _gauge(
            "build_info", "The version that runs; always 1.", ("version", "api"), [((VERSION, API_VERSION), 1)]
        )
        yield self._expiries()
        try:
            yield from self._of_jobs()
            yield from self._of_queues()
            yield from self._of_the_fleet()
        except LedgerError:
            return

    def _of_jobs(self) -> Iterator[GaugeMetricFamily]:
        counts: Counts[tuple[str, ...]] = Counts()
        unknowns: Counts[tuple[str, ...]] = Counts()
        lates: Counts[tuple[str, ...]] = Counts()
        first: dict[tuple[str, ...], float] = {}
        for tenant in self._configuration.tenants.values():
            lates[tenant.name,] = 0
            for stage in tenant.stages:
                unknowns[tenant.name, stage.value] = 0
        for alike in self._ledger.counts():
            queue = alike.tenant, alike.stage.value
            counts[*queue, alike.state.value, alike.reason or "", alike.owner or ""] += alike.count
            unknowns[queue] += alike.count if alike.reason is Reason.OUTCOME_UNKNOWN else 0
            lates[alike.tenant,] += alike.count if alike.accepted and alike.stage is Stage.INVOICE else 0
            if alike.state is not State.IGNORED:
                place = *queue, alike.state.value
                first[place] = min(first.get(place, float("inf")), alike.oldest.timestamp())
        now = time.time()
        ages = [(place, max(0.0, now - at)) for place, at in first.items()]
        labels = (*QUEUE, "state", "reason", "owner")
        yield _gauge("jobs", "Unfinished jobs.", labels, counts.items())
        description = "Since the oldest unfinished job was first listed."
        yield _gauge("oldest_job_age_seconds", description, (*QUEUE, "state"), ages)
        yield _gauge("unknown_outcomes", "Jobs whose confirmation has an unknown outcome.", QUEUE, unknowns.items())
        description = "Invoices that ShipperOne has accepted and that are not finished in the ERP."
        yield _gauge("accepted_not_issued", description, ("tenant",), lates.items())

    def _of_queues(self) -> Iterator[GaugeMetricFamily]:
        good: dict[tuple[str, ...], float] = {}
        paused: dict[tuple[str, ...], float] = {}
        held: dict[tuple[str, ...], float] = {}
        leases = {lease.name: lease for lease in self._ledger.leases()}
        pauses = {(pause.tenant, pause.stage) for pause in self._ledger.pauses()}
        records = {(record.tenant, record.stage): record for record in self._ledger.queues()}
        for tenant in self._configuration.tenants.values():
            for stage in tenant.stages:
                queue = tenant.name, stage.value
                record = records.get((tenant.name, stage))
                lease = leases.get(f"{tenant.name}/{stage}")
                held[queue] = lease is not None and lease.owner is not None
                paused[*queue, "operator"] = (tenant.name, stage) in pauses
                if record is not None and record.paused_reason is not None:
                    paused[*queue, record.paused_reason.value] = 1
                if record is not None and record.last_good_read_at is not None:
                    good[queue] = record.last_good_read_at.timestamp()
        description = "When the queue was last read completely."
        yield _gauge("last_success_timestamp_seconds", description, QUEUE, good.items())
        description = "1 while paused by an operator, or for the named reason."
        yield _gauge("tenant_paused", description, (*QUEUE, "reason"), paused.items())
        yield _gauge("lease_held", "1 while a process serves the queue.", QUEUE, held.items())
        description = "Orders in the newest complete read of this process."
        yield _gauge("queue_orders", description, QUEUE, self._listed.items())

    def _of_the_fleet(self) -> Iterator[GaugeMetricFamily]:
        """Yields nothing without a fleet."""
        store = fleet_of(self._ledger)
        if store is None:
            return
        rows = worker_rows(store, self._configuration.runtime.fleet)
        states = Counts((row["state"],) for row in rows)
        yield _gauge("fleet_workers", "Workers of the fleet.", ("state",), states.items())
        for name, description, of in (
            ("fleet_groups", "Groups of tenants that a worker serves.", "groups"),
            ("fleet_tenants", "Tenants that a worker serves.", "tenants"),
            ("fleet_hand_outs", "Groups that a worker was handed since it started.", "hand_outs"),
        ):
            yield _gauge(name, description, ("worker",), [((row["worker"],), row[of]) for row in rows])
        refused = [((row["worker"],), len(row["refuses"])) for row in rows]
        description = "Tenants that a worker does not serve, as configured."
        yield _gauge("fleet_refused_tenants", description, ("worker",), refused)

    def _expiries(self) -> GaugeMetricFamily:
        tokens = ((name, expires(of.token.get_secret_value())) for name, of in self._configuration.tenants.items())
        known = [((tenant, "token"), at) for tenant, at in tokens if at is not None]
        description = "When a secret with a known expiry expires."
        return _gauge("secret_expiry_timestamp_seconds", description, ("tenant", "secret"), known)


def _gauge(
    name: str, description: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(PREFIX + name, description, labels=labels)
    for place, value in values:
        made.add_metric(place, value)
    return made


def expires(token: str) -> float | None:
    """The expiry of a token that is a JSON Web Token; None for any other token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        at = claims.get("exp") if isinstance(claims, dict) else None
    except (ValueError, binascii.Error):
        return None
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
