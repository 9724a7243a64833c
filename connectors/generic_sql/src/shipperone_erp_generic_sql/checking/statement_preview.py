"""`sql show`: the statements of a step with the values that an order would bind. The database is not opened."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp.tools import UsageError
from shipperone_erp_generic_sql.bind_values import values
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call, Element
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import Each, Query
from shipperone_erp_generic_sql.statement_lint import Parsed
from shipperone_erp_generic_sql.steps import QUERIES, STEPS

UNKNOWN = {"key", "item_key", "charge_key", "tax_key", "reference", "invoice_reference", "reservations_json",
           "reservation_key", "reservation_reference", "generation", "transfer", "reason", "since"}  # fmt: skip
"""Binds whose value exists only in the ledger or the database: they are named, no value is invented."""


def shown(settings: GenericSqlSettings, tenant: str, order: FulfillmentOrder, step: str) -> Iterator[str]:
    """The lines. UsageError if there is no such step, or no statement in it."""
    if step not in (*STEPS, *QUERIES):
        raise UsageError(f"{step} is not one of {', '.join((*STEPS, *QUERIES))}")
    statements = list(_statements(settings, step))
    if not statements:
        raise UsageError(f"no statements are configured for {step}")
    call = settings.call(tenant, "", order, tax_date=datetime.now().astimezone().date())
    for number, each, of_document, statement in statements:
        repeated = f", once for each {each if each != 'tax' else 'tax rate'}" if each else ""
        yield f"{step}, statement {number}{repeated}"
        yield from (f"    {line.rstrip()}" for line in statement.sql.strip().splitlines())
        names = sorted(Parsed(statement.sql, settings.dialect).binds)
        for element in call.each(each, of_document=of_document) if names else ():
            yield f"  {_printable(str(element))}" if element else "  binds"
            yield from (f"    :{name} = {_value(settings, step, call, element, name)}" for name in names)
        yield ""


def _statements(settings: GenericSqlSettings, step: str) -> Iterator[tuple[str, Each | None, bool, Query]]:
    """Each statement with its number, its `each`, and whether that runs for all tax rates of the invoice."""
    if step in STEPS:
        for at, head in enumerate(settings.statements(step), start=1):
            yield from ((f"{at}{ending}", head.each, head.of_document, member) for ending, member in head.group)
        return
    for at, query in enumerate(settings.queries(step), start=1):
        yield str(at), "item" if step == "available" else None, False, query


def _value(settings: GenericSqlSettings, step: str, call: Call, element: Element | None, name: str) -> str:
    if name in settings.captures(step):
        return "(captured by an earlier statement)"
    if name in UNKNOWN:
        return "(from the ledger or the database)"
    try:
        return _written(values([name], call, element, settings.places)[name])
    except Refused as refusal:
        return f"(the order would be held: {refusal.sentence})"


def _written(value: Any) -> str:
    """The value as text without control characters, which an order's texts may contain."""
    if value is None:
        return "NULL"
    if isinstance(value, Decimal):
        return digits(value)
    text = json.dumps(value.isoformat() if isinstance(value, date) else value, ensure_ascii=False)
    return _printable(text)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
