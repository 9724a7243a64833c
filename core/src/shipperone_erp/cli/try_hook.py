"""`connectors try`: calls one hook against the ERP of a harness, and shows the result on both sides."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from shipperone_erp.cli.connector_commands import Harness, Live
from shipperone_erp.cli.options import AsJson, print_json, print_text
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.json import loads
from shipperone_erp.kernel.redaction import secrets_in
from shipperone_erp.operations.queue_files import FORMAT, read_file
from shipperone_erp.operations.replay import found_settings, orders_in
from shipperone_erp.shipperone.order_parser import Unreadable, read_order


def try_(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    hook: Annotated[str, typer.Argument(metavar="HOOK", help="Such as reserve_stock, build_invoice, deliver.")],
    order: Annotated[
        Path | None,
        typer.Option(help="A JSON file with an order as ShipperOne lists it; default: a sample order of two lines."),
    ] = None,
    harness: Harness = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Call one hook, and show its answer. Its prerequisites are called first; core's reaction and the ERP's documents
    afterwards are shown too.
    """
    from shipperone_erp.testing.bench import Bench
    from shipperone_erp.testing.findings import NotApplicable
    from shipperone_erp.testing.harness_lookup import harness_of
    from shipperone_erp.testing.hook_trial import Trial, stocked
    from shipperone_erp.testing.runner import connector_of

    found = harness_of(name, harness)
    if found.live and not live:
        raise UsageError(f"{found.__name__} uses a real ERP: give --live, and use a test database")
    given = _read(order) if order else None
    steps = []
    with tempfile.TemporaryDirectory(prefix="try-", ignore_cleanup_errors=True) as folder, ExitStack() as closing:
        erp = found(Path(folder))
        closing.callback(erp.tear_down)
        try:
            erp.set_up()
        except NotApplicable as why:
            raise UsageError(str(why)) from None
        bench = Bench(erp, connector_of(found), Path(folder))
        closing.callback(bench.close)
        REDACTION.add(secrets_in(bench.validated(erp.settings())))
        if given is not None and not found.live:
            stocked(bench, given)
        wanted = given or bench.order()
        if not as_json:
            print_text(*_asked(wanted))
        for step in Trial(bench, wanted).of(hook):
            steps.append(step)
            if not as_json:
                print_text("", f"{step.hook}, key {step.key}, {step.seconds:.2f} s")
                for side, texts in (("answer", [step.answer]), ("core", step.core), ("ERP", step.erp)):
                    _print_side(side, texts)
    if as_json:
        print_json({"connector": name, "order_id": wanted.order_id, "steps": [_document(step) for step in steps]})
    if any(step.wrong for step in steps):
        raise typer.Exit(Ending.FAILED)
    if any(step.away for step in steps):
        raise typer.Exit(Ending.ERP)


def _read(file: Path) -> FulfillmentOrder:
    """The order in that file; of a list the first one, of a capture the first that can be read."""
    try:
        listed = loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as JSON: {error}") from None
    if isinstance(listed, dict) and FORMAT in listed:
        queues = read_file(file)
        found = next(orders_in(queues, found_settings(queues)), None)
        if found is None:
            raise UsageError(f"{file} contains no readable order; `shipperone-erp inspect --file` shows the cause")
        return found
    first: Any = listed[0] if isinstance(listed, list) and listed else listed
    if not isinstance(first, dict):
        raise UsageError(f"{file} contains no order: write one as ShipperOne lists it, an object with its items")
    try:
        return read_order(first, {})
    except Unreadable as why:
        raise UsageError(f"{file}: {why}") from None


def _asked(order: FulfillmentOrder) -> list[str]:
    lines = []
    for item in order.items:
        row = "" if item.row_total_incl_tax is None else f", {item.row_total_incl_tax}"
        place = f", in warehouse {item.warehouse_code}" if item.warehouse_code else ""
        lines.append(f"  item {item.item_id}: {plain(item.qty)} of {item.sku}{row}{place}")
    total = f"total {order.total_incl_tax or 'not listed'}{f' {order.currency}' if order.currency else ''}"
    return [f"order {order.order_id} from {order.warehouse_code}, {total}", *lines]


def _print_side(side: str, texts: "list[str] | tuple[str, ...]") -> None:
    lines = [line for text in texts for line in text.split("\n")]
    print_text(*(f"  {side if number == 0 else '':<7} {line}" for number, line in enumerate(lines)))


def _document(step: Any) -> dict[str, Any]:
    return {
        "hook": step.hook,
        "key": step.key,
        "answer": step.answer,
        "core": list(step.core),
        "erp": list(step.erp),
        "seconds": f"{step.seconds:.3f}",
        "wrong": step.wrong,
    }
