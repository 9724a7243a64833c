"""The checks of `doctor`: each condition without which a hook would refuse, with its cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from shipperone_erp import AuthFailed, Check, ConnectorError, Reason, Refused
from shipperone_erp_tryton.erp import Books, Erp
from shipperone_erp_tryton.faults import tidy
from shipperone_erp_tryton.products import products, warehouse
from shipperone_erp_tryton.settings import TaxRule
from shipperone_erp_tryton.taxes import named

RIGHTS = {
    "shipperone.key": "create",
    "stock.shipment.out": "create",
    "stock.shipment.internal": "create",
    "account.invoice": "create",
    "party.party": "create",
    "account.tax": "read",
}
"""The rights that the user needs, by model."""


def checks(erp: Erp) -> list[Check]:
    """One line for each condition; never raises."""
    try:
        return erp.do(lambda books: list(_lines(books)), "checking", readonly=True)
    except AuthFailed as error:
        return [Check("login", False, error.sentence, "set `user`, and for PostgreSQL `url` and `password`")]
    except ConnectorError as error:
        return [Check("database", False, error.sentence, "check that `url` names Tryton's database, and that it runs")]
    except Exception as error:
        return [Check("database", False, f"{type(error).__name__}: {tidy(str(error))}", "check the service's log")]


def _lines(books: Books) -> Iterator[Check]:
    settings = books.settings
    yield Check("database", True, f"{settings.url} opens, and has the module shipperone")
    yield Check(
        "company", True, f"{settings.user} works for {books.company.rec_name}, in {books.company.currency.code}"
    )
    yield _line("rights", lambda: _rights(books), "add the user to the groups Stock, Accounting and Party in Tryton")
    for code in settings.warehouses:
        yield _line(f"warehouse {code}", partial(_warehouse, books, code), "correct `warehouses`")
    for rule in settings.taxes:
        yield _line(f"tax {rule.tax}", partial(_tax, books, rule), "correct `taxes`")
    services: dict[str, str | None] = {"shipping_product": settings.shipping_product}
    services |= {f"charges.{name}": code for name, code in settings.charges.items()}
    for name, service in services.items():
        if service is None:
            yield Check(name, None, "orders with shipping will be held", "set the code of a service product in Tryton")
        else:
            yield _line(name, partial(_service, books, service), f"correct `{name}`")
    if settings.customer is not None:
        yield _line("customer", lambda: _customer(books), "correct `customer`")
    yield _line(
        "fiscal year", lambda: _fiscal_year(books), "open the fiscal year in Tryton and assign invoice sequences"
    )


def _line(name: str, look: Callable[[], str], cure: str) -> Check:
    from trytond.exceptions import TrytonException

    try:
        return Check(name, True, look())
    except ConnectorError as error:
        return Check(name, False, error.sentence, cure)
    except TrytonException as error:
        return Check(name, False, tidy(getattr(error, "message", str(error))), cure)


def _rights(books: Books) -> str:
    access = books.model("ir.model.access").get_access(list(RIGHTS))
    missing = [f"{right} {name}" for name, right in RIGHTS.items() if not access[name][right]]
    if missing:
        raise Refused(Reason.ERP_ACCESS_DENIED, f"{books.settings.user} lacks the right to {', '.join(missing)}")
    return f"{books.settings.user} may write shipments, invoices and parties"


def _warehouse(books: Books, code: str) -> str:
    name: str = warehouse(books, code).rec_name
    return name


def _tax(books: Books, rule: TaxRule) -> str:
    name: str = named(books, rule.tax, rule.percent).rec_name
    return name


def _service(books: Books, code: str) -> str:
    product = products(books, [code])[code]
    return f"{product.rec_name}, to {product.account_revenue_used.rec_name}"


def _customer(books: Books) -> str:
    found = books.search("party.party", [("code", "=", books.settings.customer)])
    if not found:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"no active party has the code {books.settings.customer}")
    name: str = found[0].rec_name
    return name


def _fiscal_year(books: Books) -> str:
    """Today's period, its number sequences, and the journal of sales."""
    Invoice = books.model("account.invoice")
    invoice = Invoice(
        company=books.company, type="out", invoice_date=books.model("ir.date").today(), accounting_date=None
    )
    invoice.sequence_type_cache = "invoice"
    sequence, _ = invoice._number_sequence()
    invoice.set_journal()
    return f"invoices are numbered by {sequence.rec_name}, in the journal {invoice.journal.rec_name}"
