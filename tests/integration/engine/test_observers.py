"""Observers of a runtime: all receive the same events, a faulty one affects no other, and traces are by order."""

import asyncio
import logging
import subprocess
import sys
from datetime import timedelta

import pytest

from ledger_databases import NOON, a_job
from shipperone_erp.domain.events import (
    CycleEnded,
    JobChanged,
    OrderPlanned,
    OrderRests,
    RequestEnded,
    StepEnded,
    WorkLeft,
)
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.engine.cycle import Selection
from shipperone_erp.engine.observers.log_lines import change_log, denial_alert, open_discounts, overdue_invoices
from shipperone_erp.engine.observers.progress import Progress
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.engine.runtime import Runtime
from stage_orders import order

LOG = logging.getLogger("shipperone_erp.run")


def tracing():
    """An observer, and the spans that it has made."""
    trace = pytest.importorskip("opentelemetry.sdk.trace", reason="needs: pip install 'shipperone-erp[tracing]'")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from shipperone_erp.engine.observers.tracing import tracing_observer

    exporter = InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return tracing_observer(provider), exporter


def test_an_order_makes_one_trace_in_each_stage_with_read_hook_post_and_issue(world):
    observer, exporter = tracing()
    events = []
    for number in (1, 2):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))

    async def go() -> None:
        async with Runtime(world.read(), time=world.clock) as runtime:
            runtime.events.add(observer)
            runtime.events.add(events.append)
            await runtime.once(Selection(), settle_for=timedelta(seconds=8))

    asyncio.run(go())
    traces: dict[int, list] = {}
    for span in exporter.get_finished_spans():
        traces.setdefault(span.context.trace_id, []).append(span)
    shown = {
        (spans[0].attributes["shipperone_erp.order_id"], spans[0].attributes["shipperone_erp.stage"]): [
            (span.name, span.attributes.get("shipperone_erp.effect"))
            for span in sorted(spans, key=lambda s: s.end_time)
        ]
        for spans in traces.values()
    }
    for number in (1, 2):
        assert shown[f"FO-{number}", "allocation"] == [("read", None), ("hook", "reserve"), ("post", "confirm")]
        assert shown[f"FO-{number}", "invoice"] == [
            ("read", None), ("hook", "build"), ("post", "confirm"), ("issue", "issue"), ("hook", "deliver"),
        ]  # fmt: skip
    assert len(traces) == 4
    for spans in traces.values():
        (root,) = [span for span in spans if span.name == "read"]
        assert root.parent is None
        assert {span.parent.span_id for span in spans if span is not root} == {root.context.span_id}
        assert all(span.start_time <= span.end_time for span in spans)
    kinds = {type(event) for event in events}
    assert {OrderPlanned, OrderRests, StepEnded, RequestEnded, JobChanged} <= kinds
    planned, at_rest = ([e for e in events if isinstance(e, kind)] for kind in (OrderPlanned, OrderRests))
    assert len(planned) == len(at_rest)


def test_a_later_attempt_in_another_process_joins_the_trace_and_a_lost_answer_is_an_error():
    job = a_job(first_listed_at=NOON)
    begun = StepEnded(job, EffectKind.RESERVE, Outcome.OK, NOON + timedelta(seconds=2), 0.5)
    lost = StepEnded(
        job.call_begins(Step.RESERVING), EffectKind.CONFIRM, Outcome.UNKNOWN, NOON + timedelta(seconds=3), 1.0
    )
    first, of_first = tracing()
    second, of_second = tracing()
    first(begun)
    second(lost)
    read, hook = of_first.get_finished_spans()
    (post,) = of_second.get_finished_spans()
    assert (read.name, hook.name, post.name) == ("read", "hook", "post")
    assert {span.context.trace_id for span in (read, hook, post)} == {read.context.trace_id}
    assert post.parent.span_id == hook.parent.span_id == read.context.span_id
    assert read.end_time - read.start_time == 2_000_000_000
    assert (hook.status.is_ok, post.status.is_ok) == (True, False)
    texts = " ".join(str(value) for span in (read, hook, post) for value in span.attributes.values())
    assert "25.80" not in texts, "no amounts"


def test_a_faulty_observer_is_logged_once_and_hinders_neither_work_nor_others(caplog):
    events, received = Observers(), []

    def faulty(event):
        raise RuntimeError("out of paper")

    events.add(faulty)
    events.add(received.append)
    for _ in range(3):
        events.publish(OrderPlanned("acme", Stage.ALLOCATION))
    assert len(received) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "an observer failed; orders are not affected: 'OrderPlanned'"
    ]


def test_log_and_progress_are_observers_of_the_same_events(caplog):
    caplog.set_level(logging.INFO)
    events, progress = Observers(), Progress()
    for observer in (progress, change_log(logging.getLogger("shipperone_erp"))):
        events.add(observer)
    job = a_job()
    for event in (
        OrderPlanned("acme", Stage.ALLOCATION),
        OrderPlanned("acme", Stage.ALLOCATION),
        JobChanged(None, job),
        JobChanged(job, a_job(state=State.DONE)),
        OrderRests("acme", Stage.ALLOCATION),
        CycleEnded("acme", Stage.ALLOCATION, 0.1, True, 2),
    ):
        events.publish(event)
    assert (progress.backlog().done, progress.backlog().remaining) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == ["acme allocation FO-1 done"]


def events_of(*observers):
    """The registry with these observers."""
    events = Observers()
    for observer in observers:
        events.add(observer)
    return events


def test_an_invoice_that_is_late_is_logged_once_until_it_is_in_time_again(caplog):
    events = events_of(overdue_invoices(LOG))
    late = a_job(stage=Stage.INVOICE, state=State.HELD, reason=Reason.TOTAL_DIFFERS, first_listed_at=NOON)
    reservation = a_job("FO-2", state=State.WAITING, first_listed_at=NOON)

    def look(*jobs, hours):
        events.publish(WorkLeft("acme", Stage.INVOICE, jobs, NOON + timedelta(hours=hours), timedelta(hours=2)))
        return [record.getMessage() for record in caplog.records]

    assert look(late, reservation, hours=1.9) == []
    line = "acme invoice FO-1 has shipped and is not invoiced within 2h (total_differs)"
    assert look(late, reservation, hours=2) == [line]
    assert look(late, reservation, hours=3) == [line]
    assert look(hours=4) == [line]
    assert look(late, hours=5) == [line, line]


def test_denials_that_the_queue_disproves_are_logged_once_a_tenant_from_the_third_on(caplog):
    events = events_of(denial_alert(LOG))
    for tenant in ("acme", "beta"):
        for number in range(5):
            denied = {"inferred": True, "accepted_at": NOON, "open": False, "refusal": "out of order"}
            job = a_job(f"FO-{number}", tenant=tenant, **denied)
            events.publish(JobChanged(None, job))
            events.publish(JobChanged(job, job))
            events.publish(JobChanged(None, a_job(f"FO-{number}", tenant=tenant)))
    assert [record.getMessage()[:70] for record in caplog.records] == [
        "acme: ShipperOne denied 3 confirmations that its own queue shows as ac",
        "beta: ShipperOne denied 3 confirmations that its own queue shows as ac",
    ]


def test_held_discounts_are_logged_when_they_begin_and_when_twice_as_many_are_held(caplog):
    events = events_of(open_discounts(LOG))
    differences = (Difference('discount = "in_row"', "24.99", None), Difference('discount = "off_row"', "20.99", None))
    held = [
        a_job(f"FO-{number}", stage=Stage.INVOICE, state=State.HELD, reason=Reason.AMOUNT_UNEXPLAINED,
              differences=differences)
        for number in range(4)
    ]  # fmt: skip
    for count in (1, 1, 2, 3, 4, 0, 1):
        events.publish(WorkLeft("acme", Stage.INVOICE, held[:count], NOON, timedelta(hours=2)))
    logged = [record.getMessage() for record in caplog.records]
    assert [line.partition(": ")[0] for line in logged] == ["acme"] * 4, "1, 2, 4, and 1 after none"
    assert logged[0].endswith(
        "Set `discount` in [tenants.acme] to the right one: all of these orders then resume automatically"
    )


IMPORTED = """
import sys
import shipperone_erp.cli.app, shipperone_erp.cli.run, shipperone_erp.engine.runtime, shipperone_erp.operations.alerts.watch
print([name for name in ("opentelemetry", "apprise", "prometheus_client") if name in sys.modules])
"""


def test_an_unused_back_end_is_not_imported(tmp_path):
    script = tmp_path / "imported.py"
    script.write_text(IMPORTED)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
