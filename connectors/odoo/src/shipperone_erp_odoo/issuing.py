"""`issue_invoice` posts the draft that ShipperOne accepted; `discard_invoice` cancels a draft.

Discarding deletes nothing: a draft may have a number, and a cancelled one is the mark for a late call.
"""

import datetime
from collections.abc import Mapping, Sequence

from shipperone_erp import (
    AlreadyIssued,
    DiscardInvoice,
    Done,
    Invoice,
    IssueInvoice,
    Owner,
    Reason,
    Refused,
    Voided,
)
from shipperone_erp_odoo import changed_drafts, left_quotations, lookups, mailing, payments
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.draft_invoices import dates
from shipperone_erp_odoo.invoice_reader import Standing, referred, standing
from shipperone_erp_odoo.locks import refuse_locked
from shipperone_erp_odoo.odoo import Draft, Odoo, external_id
from shipperone_erp_odoo.warehouses import Company, own_company, sites

Answer = Invoice | Voided


def issue(odoo: Odoo, requests: Sequence[IssueInvoice]) -> Answers[Answer]:
    """The posted invoice, or an exception, for each key."""
    answers: Answers[Answer] = Answers()
    chunks: dict[Company, list[IssueInvoice]] = {}
    for request in requests:
        with answers.of(request.key):
            chunks.setdefault(_company(odoo, request.order.warehouse_code), []).append(request)
    for at, chunk in chunks.items():
        _Chunk(odoo, at, chunk, answers).issue()
    return answers


class _Chunk:
    """Drafts of one company, posted together."""

    def __init__(self, odoo: Odoo, at: Company, requests: Sequence[IssueInvoice], answers: Answers[Answer]) -> None:
        self.odoo = odoo
        self.at = at
        self.requests = requests
        self.answers = answers
        self.ids = {request.key: self._id(request) for request in requests}

    def issue(self) -> None:
        current = self._read()
        lock = next((one.lock for one in current.values()), None)
        today = datetime.datetime.now(datetime.UTC).date()
        ready: list[IssueInvoice] = []
        for request in self.requests:
            with self.answers.of(request.key):
                one = current.get(self.ids[request.key] or 0)
                if one is not None and one.state == "draft":
                    self._still_the_same(one, request)
                    refuse_locked(lock, request.issue_date or request.tax_date or today, self.at)
                    ready.append(request)
        drafts = {self.ids[request.key] or 0: request for request in ready}
        for key, refusal in changed_drafts.refused(self.odoo, self.at, drafts, current).items():
            self.answers[key] = refusal
        ready = [request for request in ready if request.key not in self.answers.found]
        left_quotations.cancel(self.odoo, [request.order for request in ready], self.at.id)
        self._date(ready, current)
        self._post(ready)
        current = self._read() if ready else current
        for request in self.requests:
            if request.key not in self.answers.found:
                self.answers[request.key] = self._answer(request, current.get(self.ids[request.key] or 0))
        posted = {
            self.ids[request.key] or 0: request
            for request in self.requests
            if isinstance(self.answers.found[request.key], Invoice)
        }
        payments.register(self.odoo, self.at, posted, self.answers)
        if self.odoo.settings.mail_invoice:
            mailing.send(self.odoo, self.at, posted, self.answers)

    def _id(self, request: IssueInvoice) -> int | None:
        return referred(request.invoice.reference) or self.odoo.reference(external_id("INV", request.key))

    def _read(self) -> dict[int, Standing]:
        return standing(self.odoo, [id for id in self.ids.values() if id], self.at)

    def _still_the_same(self, one: Standing, request: IssueInvoice) -> None:
        """Refuse if a user has changed the draft that ShipperOne accepted."""
        now = one.answer(self.odoo, request.order)
        for name in ("lines", "shipping_amount_incl_tax", "total_incl_tax", "currency"):
            ours, accepted = getattr(now, name), getattr(request.invoice, name)
            if ours != accepted:
                sentence = "its lines differ" if name == "lines" else f"{name} is {ours}, but {accepted} was accepted"
                raise Refused(
                    Reason.TOTAL_DIFFERS,
                    f"draft {now.reference} was changed in Odoo after ShipperOne accepted it: {sentence}; revert the "
                    "change",
                    Owner.ACCOUNTANT,
                )

    def _date(self, ready: Sequence[IssueInvoice], current: Mapping[int, Standing]) -> None:
        """Set the dates on drafts that do not have them yet."""
        by_days: dict[tuple[datetime.date | None, datetime.date | None], list[int]] = {}
        for request in ready:
            id = self.ids[request.key] or 0
            wanted = request.issue_date or request.tax_date
            if wanted is not None and (current[id].invoice_date != wanted or request.issue_date is not None):
                by_days.setdefault((request.tax_date, request.issue_date), []).append(id)
        for days, ids in by_days.items():
            self.odoo.call("account.move", "write", ids, company=self.at.id, vals=dates(self.odoo, self.at, *days))

    def _post(self, ready: Sequence[IssueInvoice]) -> None:
        """Post all at once, or one by one if Odoo refuses. Success is read from Odoo, never concluded."""
        ids = [self.ids[request.key] or 0 for request in ready]
        try:
            if ids:
                self.odoo.call("account.move", "action_post", ids, company=self.at.id)
        except Refused:
            for request, id in zip(ready, ids, strict=True):
                try:
                    self.odoo.call("account.move", "action_post", [id], company=self.at.id)
                except Refused as refusal:
                    if standing(self.odoo, [id], self.at)[id].state == "draft":
                        self.answers[request.key] = refusal

    def _answer(self, request: IssueInvoice, one: Standing | None) -> Answer | Exception:
        if one is None or one.state == "cancel":
            return Voided(request.invoice.reference)
        if one.state != "posted":
            sentence = f"{request.invoice.reference} is still {one.state} in Odoo after posting; it is posted again"
            return Refused(Reason.ERP_REFUSED, sentence, Owner.ACCOUNTANT)
        return one.answer(self.odoo, request.order)


def discard(odoo: Odoo, request: DiscardInvoice) -> Done:
    """Cancel the draft; an unknown key gets a cancelled one."""
    at = _company(odoo, request.order.warehouse_code)
    id = referred(request.invoice.reference if request.invoice else None) or _marked(odoo, at, request)
    one = standing(odoo, [id], at).get(id)
    if one is not None and one.state == "posted":
        raise AlreadyIssued(one.answer(odoo, request.order))
    if one is not None and one.state == "draft":
        odoo.call("account.move", "button_cancel", [id], company=at.id)
    return Done()


def _marked(odoo: Odoo, at: Company, request: DiscardInvoice) -> int:
    """The invoice of that key; created empty if there is none."""
    xid = external_id("INV", request.key)
    head = {
        "move_type": "out_invoice",
        "company_id/.id": at.id,
        "journal_id/.id": lookups.sales_journal(odoo, None, at),
        "invoice_origin": request.order.order_id,
    }
    answer = odoo.load("account.move", [Draft(xid, head)], company=at.id)[xid]
    if isinstance(answer, Refused):
        raise answer
    return answer


def _company(odoo: Odoo, warehouse: str) -> Company:
    site = sites(odoo, [warehouse])[warehouse]
    return own_company(odoo) if isinstance(site, Refused) else site.company
