"""`inspect`: finds the place of each field, checks the sums, and proposes the settings that explain most orders."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    print_json,
    print_text,
    say,
    settings_of,
)
from shipperone_erp.cli.tables import print_paragraphs, print_table
from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.config.editing import as_toml, write_changes
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.inspect.erp_knowledge import with_erp
from shipperone_erp.operations.inspect.inspection import inspect as look
from shipperone_erp.operations.inspect.queue_reading import read_queues
from shipperone_erp.operations.inspect.results import ErpKnowledge, FieldFound, Held, Inspection, Proposal, Queues
from shipperone_erp.operations.queue_files import read_file

UNUSED_SHOWN = 12
UNKNOWN_SHOWN = 6


def inspect(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    file: Annotated[
        Path | None, typer.Option(help="A file written by `capture`, or one page of a queue as ShipperOne returns it.")
    ] = None,
    stage: Annotated[Stage, typer.Option(help="With --file: the queue that a page belongs to.")] = Stage.INVOICE,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the settings that no order contradicts into the TOML.")
    ] = False,
    accountant_agrees: Annotated[
        bool,
        typer.Option(
            "--accountant-agrees", help="With --apply: also write discount, charges, timezone and order_total."
        ),
    ] = False,
    without_erp: Annotated[
        bool, typer.Option("--without-erp", help="Do not check the SKUs and warehouses in the ERP.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the queues, locate each field and check the sums. Changes nothing in ShipperOne or the ERP."""
    loaded = configuration(config, tenants_may_fail=True)
    settings = settings_of(loaded, tenant)
    queues = read_file(file, stage) if file is not None else read_listed(loaded, settings)
    found = look(settings, queues)
    if not without_erp:
        found = asyncio.run(with_erp(settings, found))
    if as_json:
        print_json({**found.document(), "toml": _toml(found, found.proposal)})
    else:
        for line in _report(found):
            print_paragraphs(line)
        if not found.proposal.empty:  # to be pasted, so that no line of it is wrapped
            print_text("", *(f"  {line}" if line else "" for line in _toml(found, found.proposal).split("\n")))
    if apply:
        _apply(loaded, found, agreed=accountant_agrees)


def read_listed(loaded: Configuration, settings: TenantSettings) -> Queues:
    """The queues as they are listed now. Ends with 4 if one cannot be read."""
    try:
        return asyncio.run(read_queues(settings, max_response=loaded.runtime.max_response))
    except ReadFailed as failure:
        say(f"{settings.name}: {failure.sentence}; `shipperone-erp doctor {settings.name}` checks each possible cause")
        raise typer.Exit(Ending.PLATFORM) from None


def _report(found: Inspection) -> Iterator[str]:
    counts = ", ".join(f"{count} orders in pending_{stage}" for stage, count in found.orders.items())
    failed = f", {found.failed} in failed" if found.failed else ""
    yield f"{found.tenant}: {counts}{failed}; nothing was changed"
    if any(found.orders.values()):
        yield ""
        rows = (_row(each, found.erp) for each in found.fields)
        print_table(
            ["field", "found at", "in", "example", "proof"], rows, prose=("proof",), unsaid=("found", "nowhere")
        )
        yield ""
        yield f"Amounts: {found.explained} of {found.totals} orders that list a total come to it"
        if found.rules:
            yield "  of the orders by which the readings differ:"
        for rule in found.rules:
            chosen = "   <- proposed" if rule.chosen else ""
            yield f"  {rule.name}: {rule.explains} of {rule.of}; {rule.says}{chosen}"
        warehouses = ", ".join(f"{code} ({count})" for code, count in sorted(found.warehouses.items()))
        yield f"Warehouses: {warehouses or 'none'}"
        if found.unknown_warehouses:
            yield f"  ShipperOne's list of warehouses has no {', '.join(found.unknown_warehouses)}"
        if found.erp is not None:
            yield from _erp(found.erp)
    if found.unused:
        some = ", ".join(f"{each.path} ({each.orders}, {each.example})" for each in found.unused[:UNUSED_SHOWN])
        more = ", …" if len(found.unused) > UNUSED_SHOWN else ""
        yield f"Not used (number of orders in brackets): {some}{more}"
    yield ""
    total = sum(found.orders.values())
    yield f"With this mapping {found.then} of {total} orders would be held, without it {found.now}."
    for held in found.held_then:
        yield f"  {_held(held)}"
    for number, question in enumerate(found.questions):
        yield f"{'Only you can answer:' if number == 0 else '                    '} {question}"
    if found.proposal.empty:
        if not found.then:
            yield "Nothing has to be set: every field was found at a usual place or where your TOML names it."
        return
    yield f"Add this to your TOML, or run: shipperone-erp inspect {found.tenant} --apply"
    if found.proposal.needs_a_yes:
        names = ", ".join(found.proposal.needs_a_yes)
        yield f"  ({names} decide what is taxed and when: --apply writes them only with --accountant-agrees)"


def _erp(erp: ErpKnowledge) -> Iterator[str]:
    if erp.why_not:
        yield f"ERP: SKUs and warehouses were not checked: {erp.why_not}"
        return
    names = ", ".join(erp.warehouses)
    lacking = f", and not {', '.join(erp.unknown_warehouses)}" if erp.unknown_warehouses else ""
    yield f"ERP: it knows {erp.known} of {erp.items} listed items, and {names or 'no'} as warehouse{lacking}"
    for each in erp.unknown[:UNKNOWN_SHOWN]:
        yield f"  {each.sku} in {each.warehouse_code}, {each.items} items: {each.reason}, {each.sentence}"
    if (more := len(erp.unknown) - UNKNOWN_SHOWN) > 0:
        yield f"  and {more} more (--json lists all)"


def _row(each: FieldFound, erp: ErpKnowledge | None) -> tuple[str, ...]:
    stage = {None: "", Stage.ALLOCATION: " (to allocate)", Stage.INVOICE: " (to invoice)"}[each.stage]
    shown = stage if each.name == "qty" or each.place is not None else ""
    unusual = "" if each.usual else "   <- not the usual place"
    count = f"{each.found}/{each.of}"
    asked = each.name == "sku" and each.place is not None and erp is not None and not erp.why_not
    known = f"; {erp.known} of {erp.items} known to the ERP" if asked and erp is not None else ""
    return f"{each.name}{shown}", each.place or "nowhere", count, each.example or "", f"{each.proof}{known}{unusual}"


def _held(held: Held) -> str:
    first = f"; first: {held.first}" if held.first else ""
    return f"pending_{held.stage}: {held.orders} held, {held.reason}{first}: {held.sentence}"


def _toml(found: Inspection, proposal: Proposal) -> str:
    return "" if proposal.empty else as_toml(found.tenant, proposal.settings())


def _apply(loaded: Configuration, found: Inspection, *, agreed: bool) -> None:
    wanted = found.proposal if agreed else found.proposal.settled()
    if not found.proposal.empty and wanted.empty:
        raise UsageError(
            f"nothing was written: {', '.join(found.proposal.needs_a_yes)} decide what is taxed and when. Show them to "
            "an accountant, then use --accountant-agrees"
        )
    if wanted.empty:
        say(f"{loaded.file}: there is nothing to write")
        return
    home = write_changes([loaded.file, *loaded.included], found.tenant, wanted.settings())
    say(f"{home}: {', '.join(wanted.settings())} written; check it, then run: shipperone-erp config check")
    if remaining := set(found.proposal.needs_a_yes) - set(wanted.needs_a_yes):
        say(f"not written, since an accountant has to agree: {', '.join(sorted(remaining))} (--accountant-agrees)")
