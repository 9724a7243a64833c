"""Traces by OpenTelemetry (extra `tracing`): one trace for each order and stage, a span for each effect.

    read   from the read of the queue that first listed the order to its first effect
    hook   a call of the connector: reserve, build, issue, deliver, release, discard
    post   a confirmation at ShipperOne
    issue  the hook by which an invoice becomes fiscal

The trace's id is derived from the order, so that effects of another process, or of a later attempt, join the same
trace. A span names tenant, stage, order and key; never an amount, personal data, or a body.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from shipperone_erp.domain.events import Event, Observer, StepEnded
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import EffectKind, Outcome
from shipperone_erp.kernel.errors import UsageError

NAMES = {EffectKind.CONFIRM: "post", EffectKind.ISSUE: "issue"}
FIRST = (EffectKind.RESERVE, EffectKind.BUILD)
"""The first effect of an order in each stage."""
BAD = (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT)


def tracing_observer(provider: Any = None) -> Observer:
    """An observer that creates spans. UsageError if OpenTelemetry is not installed.

    Without `provider` OpenTelemetry's own environment variables configure the exporter (OTEL_EXPORTER_OTLP_ENDPOINT and
    others).
    """
    try:
        from opentelemetry import context, trace
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError:
        raise UsageError(
            "tracing needs OpenTelemetry, which is not installed: pip install 'shipperone-erp[tracing]'"
        ) from None
    ids = _ids()
    if provider is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = Resource.create({SERVICE_NAME: "shipperone-erp"})
        provider = TracerProvider(resource=named.merge(Resource.create()), id_generator=ids)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        provider.id_generator = ids
    return _Tracing(trace, context, provider.get_tracer("shipperone_erp"), ids)


class _Tracing:
    def __init__(self, trace: Any, context: Any, tracer: Any, ids: Any) -> None:
        self._trace = trace
        self._context = context
        self._tracer = tracer
        self._ids = ids

    def __call__(self, event: Event) -> None:
        if not isinstance(event, StepEnded):
            return
        job = event.job
        trace_id, root_id = _trace_of(job)
        if event.kind in FIRST and job.attempts == 0 and job.generation == 1 and job.reference is None:
            self._root(event, trace_id, root_id)
        sampled = self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED)
        root = self._trace.SpanContext(trace_id, root_id, is_remote=True, trace_flags=sampled)
        context = self._trace.set_span_in_context(self._trace.NonRecordingSpan(root))
        begun = _nanoseconds(event.at)
        span = self._tracer.start_span(
            NAMES.get(event.kind, "hook"), context, start_time=begun, attributes=_attributes(job)
        )
        span.set_attribute("shipperone_erp.effect", event.kind.value)
        span.set_attribute("shipperone_erp.outcome", event.outcome.value)
        if event.outcome in BAD:
            span.set_status(self._trace.StatusCode.ERROR, event.outcome.value)
        span.end(_nanoseconds(event.at + timedelta(seconds=event.seconds)))

    def _root(self, event: StepEnded, trace_id: int, root_id: int) -> None:
        """The span from the read that first listed the order to its first effect."""
        job = event.job
        begun = _nanoseconds(min(job.first_listed_at, event.at))
        self._ids.next = (trace_id, root_id)
        try:
            span = self._tracer.start_span(
                "read", self._context.Context(), start_time=begun, attributes=_attributes(job)
            )
        finally:
            self._ids.next = None
        span.end(_nanoseconds(event.at))


def _trace_of(job: Job) -> tuple[int, int]:
    """The ids of the trace and of its first span: one trace for each job of an order in a stage."""
    digest = hashlib.sha256(f"{job.tenant}\0{job.stage}\0{job.order_id}\0{job.id}".encode()).digest()
    return int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1


def _attributes(job: Job) -> dict[str, str]:
    return {
        "shipperone_erp.tenant": job.tenant,
        "shipperone_erp.stage": job.stage.value,
        "shipperone_erp.order_id": job.order_id,
        "shipperone_erp.key": job.key,
    }


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)


def _ids() -> Any:
    """An id generator with random ids, except for the first span of a trace."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        next: tuple[int, int] | None = None

        def generate_trace_id(self) -> int:
            return self.next[0] if self.next else super().generate_trace_id()

        def generate_span_id(self) -> int:
            return self.next[1] if self.next else super().generate_span_id()

    return Ids()
