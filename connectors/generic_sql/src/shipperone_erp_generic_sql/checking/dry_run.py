"""Level dry run: every step on one order, twice, inside a transaction that is always rolled back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from shipperone_erp import Check, ConnectorError, FulfillmentOrder, Invoice, Reason, Refused, Reservation
from shipperone_erp_generic_sql.call import Call
from shipperone_erp_generic_sql.database import Database, Unmet
from shipperone_erp_generic_sql.errors import DatabaseFailed, Kind
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.work import Work

LIMITS = (
    "what a rollback does not undo: numbers of sequences and AUTO_INCREMENT, what a trigger does outside the database, "
    "what a procedure commits by itself"
)
_UNIQUE = "put a unique index on the column that holds :key (or :item_key), and let the duplicate fail"


@dataclass
class DryRun:
    """One dry run. `issuing`: an invoice is issued and the goods leave, too (and it is rolled back)."""

    database: Database
    order: FulfillmentOrder
    tenant: str
    issuing: bool
    found: list[Check] = field(default_factory=list)

    def run(self) -> list[Check]:
        """The lines; the last ones say whether anything of it is still there afterwards."""
        stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        reserve = self._call(f"a-dry-run-{stamp}", generation=1, transfer="reserved")
        today = datetime.now(UTC).date()
        invoice = self._call(f"i-dry-run-{stamp}", generation=1, tax_date=today, reason="dry run")
        prepared = Prepared(self.database.settings)
        try:
            with self.database.rolled_back() as connection:
                for check in self._steps(connection, prepared, reserve, invoice):
                    self.found.append(check)
        except (ConnectorError, DatabaseFailed) as failure:
            self._say("dry run", False, str(failure), "the sentence says which statement")
        self._nothing_is_left(prepared, reserve, invoice)
        return self.found

    def _steps(self, connection: Connection, prepared: Prepared, reserve: Call, invoice: Call) -> Iterator[Check]:
        settings = self.database.settings

        def work(call: Call) -> Work:
            return Work(connection, self.database, prepared, call)

        held: tuple[Reservation, ...] = ()
        if settings.reserve:
            yield (outcome := self._reserving(work(reserve)))
            if outcome.ok:
                yield self._twice(connection, work(reserve), "reserve")
                found = work(reserve).reservation()
                ids = tuple(item.item_id for item in self.order.items)
                held = (Reservation(reserve.key, found.reference if found else "", ids),)
        if settings.available:
            for short in work(reserve).short_lines():
                said = f"{short.sku}: {short.wanted:f} wanted, {short.available:f} available"
                yield Check("available", None, said, "choose an order (or --sku) that is in stock")
        invoice = Call(**{**vars(invoice), "reservations": held})
        if settings.build_invoice:
            yield self._building(work(invoice))
            yield self._twice(connection, work(invoice), "build_invoice")
        if self.issuing and settings.issue_invoice:
            yield from self._issuing(connection, work(invoice), bool(held))
        elif settings.discard_invoice and settings.build_invoice:
            work(invoice).run("discard_invoice", reference=self._reference(work(invoice)))
            yield self._state("discard_invoice", work(invoice).invoice(), ("voided", "discarding"))
        if settings.release and held:
            work(reserve).run("release", reference=held[0].reference)
            yield self._state("release", work(reserve).reservation(), ("voided", "releasing"))

    def _reserving(self, work: Work) -> Check:
        try:
            work.run("reserve")
        except Refused as refusal:
            if refusal.reason is not Reason.NOT_ENOUGH_STOCK:
                raise
            said = f"{refusal.sentence}; so the step was not gone through"
            return Check("reserve", None, said, "choose an order (or --sku and --warehouse) that is in stock")
        found = work.reservation()
        if found is None:
            return Check("reserve", False, "it ran, and find_reservation does not find its key", "compare both")
        return Check("reserve", True, f"reservation {found.reference}, {found.state}")

    def _building(self, work: Work) -> Check:
        work.run("build_invoice")
        found = work.invoice()
        if found is None:
            return Check("build_invoice", False, "it ran, and find_invoice does not find its key", "compare both")
        return Check("build_invoice", *self._amounts(found.invoice, found.state))

    def _amounts(self, invoice: Invoice, state: str) -> tuple[bool | None, str, str | None]:
        wanted = self.order.total_incl_tax
        if state == "pending" or invoice.total_incl_tax is None or wanted is None:
            return True, f"invoice {invoice.reference}, {state}; nothing was compared", None
        if invoice.total_incl_tax != wanted:
            said = f"invoice {invoice.reference} comes to {invoice.total_incl_tax:f}, the order to {wanted:f}"
            return None, said, "it would be held before anything is sent: compare taxes and rounding"
        return True, f"invoice {invoice.reference}, {state}, {wanted:f}", None

    def _issuing(self, connection: Connection, work: Work, reserved: bool) -> Iterator[Check]:
        work.run("issue_invoice", reference=self._reference(work))
        yield self._state("issue_invoice", work.invoice(), ("issued", "issuing"))
        if not self.database.settings.build_invoice:
            yield self._twice(connection, work, "issue_invoice")
        if self.database.settings.deliver and reserved:
            work.run("deliver", invoice_reference=self._reference(work))
            found = work.delivery()
            if found is None:
                yield Check("deliver", False, "it ran, and find_delivery does not find its key", "compare both")
            else:
                yield Check("deliver", True, found.state)

    def _twice(self, connection: Connection, work: Work, step: str) -> Check:
        """The step's statements once more, without the look before them: the database itself must say no."""
        savepoint = connection.begin_nested()
        name = f"{step} again"
        try:
            work.run(step)
        except DatabaseFailed as failure:
            if failure.kind is Kind.DUPLICATE:
                return Check(name, True, "a second time with the same key the database refuses it")
            return Check(name, None, f"it is refused, but not as a duplicate: {failure}", _UNIQUE)
        except Unmet as unmet:
            return Check(name, None, f"it is refused, but not as a duplicate: {unmet.sentence}", _UNIQUE)
        finally:
            if savepoint.is_active:
                savepoint.rollback()
        said = "the same key ran twice: two calls at once would do it twice"
        return Check(name, False, said, _UNIQUE)

    def _nothing_is_left(self, prepared: Prepared, reserve: Call, invoice: Call) -> None:
        def left(connection: Connection) -> list[str]:
            looks: dict[str, Callable[[], object]] = {
                "find_reservation": lambda: Work(connection, self.database, prepared, reserve).reservation(),
                "find_invoice": lambda: Work(connection, self.database, prepared, invoice).invoice(),
            }
            return [name for name, look in looks.items() if self.database.settings.queries(name) and look() is not None]

        try:
            with self.database.rolled_back() as connection:
                still = left(connection)
        except (ConnectorError, DatabaseFailed) as failure:
            self._say("rollback", False, str(failure))
            return
        if still:
            said = f"after the rollback {', '.join(still)} still finds it"
            self._say("rollback", False, said, "a table without transactions, or a procedure that commits: mend that")
        else:
            self._say("rollback", True, "nothing of it is left")

    def _state(self, step: str, found: object, wanted: tuple[str, ...]) -> Check:
        state = getattr(found, "state", None)
        if state in wanted or (found is None and "voided" in wanted):
            return Check(step, True, state or "gone")
        said = f"it ran, and its query answers {state or 'nothing'}; it must be one of {', '.join(wanted)}"
        return Check(step, False, said, "compare the statements with the query")

    def _reference(self, work: Work) -> str | None:
        found = work.invoice()
        return found.reference if found else None

    def _call(self, key: str, **told: object) -> Call:
        settings = self.database.settings
        return Call(
            tenant=self.tenant, key=key, order=self.order, params=settings.params, paths=settings.binds,
            **told,  # type: ignore[arg-type]
        )  # fmt: skip

    def _say(self, name: str, ok: bool | None, sentence: str, cure: str | None = None) -> None:
        self.found.append(Check(name, ok, sentence, cure))
