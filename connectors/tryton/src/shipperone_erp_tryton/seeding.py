"""A Tryton for tests: modules activated, one company, two warehouses, a chart of six accounts, taxes, a fiscal year.

Activating Tryton's modules takes half a minute of CPU. Therefore records that only its clients display are left out,
and it is done once, into a template that is copied for each use.
"""

from __future__ import annotations

import datetime
import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

from shipperone_erp_tryton.database_locations import Location, locate
from shipperone_erp_tryton.process import MODULE, configure

ResultT = TypeVar("ResultT")

USER = "shipperone"
COMPANY = "Kit Ltd"
CURRENCY = "EUR"
CUSTOMER = "ANYBODY"
SHIPPING = "SHIP"
FEE = "FEE"
PRODUCT_CATEGORY = "Kit"
RATES = (Decimal(21), Decimal(10), Decimal(0))
UNIT = "Unit"
"""Tryton's own unit, which is counted in whole numbers."""
PIECE = "Piece"
"""A unit that is counted in thousandths."""
FOREIGN = "CZK"
YEARS = range(2025, 2028)
KINDS = ("out_invoice_sequence", "out_credit_note_sequence", "in_invoice_sequence", "in_credit_note_sequence")
SHOWN = re.compile(
    r"ir\.ui\..*|ir\.action\.(act_window|keyword|wizard).*|ir\.action-.*|ir\.module\.config_wizard.*|account\..*template.*"
)
"""Models of records that only a client displays, and of charts of accounts: the template has a chart of its own."""

GROUPS = (
    ("account", "group_account"), ("account", "group_account_admin"), ("stock", "group_stock"),
    ("stock", "group_stock_admin"), ("party", "group_party_admin"), ("product", "group_product_admin"),
)  # fmt: skip


def tax_name(percent: Decimal) -> str:
    """The name of the tax of this rate."""
    return f"VAT {percent:f} %"


def make(url: str) -> None:
    """A Tryton in an empty database: its tables, the modules, and the records of a small merchant."""
    place = Location(url, None, 60)
    configure(place.backend, None)
    locate(place)
    if place.backend == "sqlite":
        Path(place.file).touch()
    from trytond import backend
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    with Transaction().start(url, 0, readonly=True):
        pass
    backend.Database(url).connect().init()
    pool = Pool(url)
    _leave_out_what_is_shown()
    pool.init(update=["res", "ir", MODULE], lang=["en"], activatedeps=True, indexes=False)
    replayed(url, lambda: _merchant(pool))
    Pool.stop(url)
    if place.backend == "postgresql":
        backend.Database(url).close()


def _leave_out_what_is_shown() -> None:
    """Do not load the modules' views, menus and actions; this process creates a template and ends."""
    from trytond import convert

    whole = convert.TrytondXmlHandler.parse_xmlstream

    def lean(handler: Any, stream: Any) -> Any:
        if handler.module in ("ir", "res"):
            return whole(handler, stream)
        tree = ElementTree.parse(stream)  # noqa: S314  # a file of Tryton's own
        for data in tree.getroot():
            for record in list(data):
                if record.tag == "menuitem" or SHOWN.fullmatch(record.get("model", "")):
                    data.remove(record)
        return whole(handler, io.BytesIO(ElementTree.tostring(tree.getroot())))

    convert.TrytondXmlHandler.parse_xmlstream = lean


def replayed(url: str, work: Callable[[], ResultT], **context: Any) -> ResultT:
    """The function's result as Tryton's root user; it is repeated with the locks that Tryton requests."""
    from trytond.transaction import Transaction, TransactionError

    extras: dict[str, Any] = {}
    while True:
        try:
            with Transaction().start(url, 0, context=context, **extras):
                return work()
        except TransactionError as error:
            error.fix(extras)


def _merchant(pool: Any) -> None:
    from trytond.transaction import Transaction

    company = _company(pool)
    with Transaction().set_context(company=company.id):
        _accounts(pool, company)
        _warehouses(pool)
        _services(pool)
        _user(pool, company)


def template(folder: Path) -> Path:
    """The SQLite template in this folder, made by the first process that needs it."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "template.sqlite"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            making = folder / "making.sqlite"
            making.unlink(missing_ok=True)
            # in a separate process: Tryton keeps the activated modules in memory, and other tenants would share them
            made = f"from shipperone_erp_tryton.seeding import make; make({f'sqlite:///{making}'!r})"
            path = os.pathsep.join(filter(None, sys.path))
            subprocess.run([sys.executable, "-c", made], check=True, env={**os.environ, "PYTHONPATH": path})  # noqa: S603
            with closing(sqlite3.connect(making)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            making.rename(file)
    return file


def copy(source: Path, target: Path) -> None:
    """Copy the template to a new database."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _company(pool: Any) -> Any:
    Currency, Party, Company = (pool.get(f"{name}") for name in ("currency.currency", "party.party", "company.company"))
    money = {"rounding": Decimal("0.01"), "digits": 2}
    rates = {CURRENCY: Decimal(1), FOREIGN: Decimal(25)}
    euro, *_ = Currency.create(
        [
            {
                "name": code,
                "code": code,
                **money,
                "rates": [("create", [{"date": datetime.date(2020, 1, 1), "rate": rate}])],
            }
            for code, rate in rates.items()
        ]
    )
    (party,) = Party.create([{"name": COMPANY}])
    Party.create([{"name": "Anybody", "code": CUSTOMER}])
    Country = pool.get("country.country")
    Country.create([{"name": name, "code": code} for name, code in (("Slovakia", "SK"), ("Germany", "DE"))])
    (company,) = Company.create([{"party": party.id, "currency": euro.id}])
    return company


def _accounts(pool: Any, company: Any) -> None:
    Type, Account = pool.get("account.account.type"), pool.get("account.account")

    def account(code: str, name: str, statement: str, **kind: Any) -> Any:
        extra = {name: kind.pop(name) for name in ("party_required", "reconcile") if name in kind}
        (made,) = Type.create([kind | {"name": name, "company": company.id, "statement": statement}])
        (found,) = Account.create([extra | {"code": code, "name": name, "company": company.id, "type": made.id}])
        return found

    receivable = account(
        "311", "Receivable", "balance", assets=True, receivable=True, party_required=True, reconcile=True
    )
    payable = account("321", "Payable", "balance", payable=True, party_required=True, reconcile=True)
    revenue = account("604", "Revenue", "income", revenue=True)
    expense = account("504", "Expense", "income", expense=True)
    owed = account("343", "Tax", "balance")
    pool.get("account.tax").create(
        [
            {
                "name": tax_name(rate), "description": tax_name(rate), "type": "percentage", "rate": rate / 100,
                "company": company.id, "invoice_account": owed.id, "credit_note_account": owed.id,
            }
            for rate in RATES
        ]
    )  # fmt: skip
    configuration = pool.get("account.configuration")(1)
    configuration.default_account_receivable = receivable
    configuration.default_account_payable = payable
    configuration.default_category_account_revenue = revenue
    configuration.default_category_account_expense = expense
    # receives the rounding differences of an invoice in another currency
    configuration.currency_exchange_credit_account = revenue
    configuration.currency_exchange_debit_account = expense
    configuration.save()
    for year in YEARS:
        _fiscal_year(pool, company, year)


def _fiscal_year(pool: Any, company: Any, year: int) -> None:
    Year, Sequence, Type = (pool.get(name) for name in ("account.fiscalyear", "ir.sequence.strict", "ir.sequence.type"))

    def sequence(kind: str, of: str = str(year)) -> Any:
        (found,) = Type.search([("name", "=", kind)])
        values = {"name": f"{kind} {of}", "sequence_type": found.id, "company": company.id, "prefix": f"{of}-"}
        (made,) = Sequence.create([values])
        return made

    (made,) = Year.create(
        [
            {
                "name": str(year), "company": company.id, "move_sequence": sequence("Account Move").id,
                "start_date": datetime.date(year, 1, 1), "end_date": datetime.date(year, 12, 31),
            }
        ]
    )  # fmt: skip
    Year.create_period([made])
    # a number sequence for each month: tests that share the database use different dates
    Numbers = pool.get("account.fiscalyear.invoice_sequence")
    Numbers.delete(Numbers.search([("fiscalyear", "=", made.id)]))
    for period in Year(made.id).periods:
        one = sequence("Invoice", f"{period.start_date:%Y-%m}").id
        values: dict[str, Any] = {"company": company.id, "fiscalyear": made.id, "period": period.id}
        values |= [(kind, one) for kind in KINDS]
        Numbers.create([values])


def _warehouses(pool: Any) -> None:
    Location = pool.get("stock.location")
    (first,) = Location.search([("type", "=", "warehouse")])
    first.code = "MAIN"
    first.save()
    (second,) = Location.copy([first], default={"name": "Outlet", "code": "OUTLET"})
    if second.storage_location == first.storage_location:
        raise RuntimeError("Tryton's copy of a warehouse has the locations of the first one")


def _services(pool: Any) -> None:
    Unit = pool.get("product.uom")
    (unit,) = Unit.search([("name", "=", UNIT)])
    values = {"name": PIECE, "symbol": "pc", "category": unit.category.id, "rate": 1.0, "factor": 1.0}
    Unit.create([{**values, "rounding": 0.001, "digits": 3}])
    for code, name in ((SHIPPING, "Shipping"), (FEE, "Fee")):
        product(pool, code, name=name, type="service", unit=UNIT)


def product(pool: Any, code: str, *, name: str | None = None, type: str = "goods", unit: str = PIECE) -> Any:
    """A product of this code, sold in fractions unless its unit is `UNIT`."""
    Template, Category = pool.get("product.template"), pool.get("product.category")
    (uom,) = pool.get("product.uom").search([("name", "=", unit)])
    found = Category.search([("name", "=", PRODUCT_CATEGORY)])
    (category,) = found or Category.create([{"name": PRODUCT_CATEGORY, "accounting": True}])
    values = {
        "name": name or code, "type": type, "default_uom": uom.id, "account_category": category.id,
        "products": [("create", [{"suffix_code": code}])],
    }  # fmt: skip
    (template,) = Template.create([values])
    return template.products[0]


def _user(pool: Any, company: Any) -> None:
    Data = pool.get("ir.model.data")
    groups = [Data.get_id(module, name) for module, name in GROUPS]
    pool.get("res.user").create(
        [
            {
                "name": "ShipperOne", "login": USER, "companies": [("add", [company.id])], "company": company.id,
                "groups": [("add", groups)],
            }
        ]
    )  # fmt: skip


def receive(pool: Any, product: Any, warehouse: Any, qty: Decimal) -> None:
    """Add that quantity to the warehouse; a negative one is removed."""
    if not qty:
        return
    Move, Location = pool.get("stock.move"), pool.get("stock.location")
    (lost,) = Location.search([("type", "=", "lost_found")], limit=1)
    ends = (lost, warehouse.storage_location) if qty > 0 else (warehouse.storage_location, lost)
    values = {
        "product": product.id, "unit": product.default_uom.id, "quantity": float(abs(qty)),
        "from_location": ends[0].id, "to_location": ends[1].id,
    }  # fmt: skip
    Move.do(Move.create([values]))
