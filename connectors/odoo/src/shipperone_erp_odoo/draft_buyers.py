"""The buyer of a draft: compared once it is read with the draft, and corrected while only this connector wrote to it.

A contact is created by the external id of the buyer's data, and may exist under that id as another company or person by
now, or be archived. It is read together with the draft, so that a new buyer costs no call of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp_odoo.buyers import Buyer, buyers
from shipperone_erp_odoo.contacts import fits
from shipperone_erp_odoo.invoice_reader import Standing
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.warehouses import Company


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a draft was made of: its key and order, its buyer, its fiscal position and payment term."""

    key: str
    order: FulfillmentOrder
    buyer: Buyer
    position: int | Literal[""] | None
    term: int | None


def corrected(
    odoo: Odoo, at: Company, drafts: Mapping[int, Drafted], read: Mapping[int, Standing]
) -> dict[str, Buyer | Refused]:
    """The buyer of each draft by its key. `read` are the drafts as they are in Odoo, by id."""
    who: dict[str, Buyer | Refused] = {draft.key: draft.buyer for draft in drafts.values()}
    current = {id: read[id] for id in drafts if id in read and read[id].state == "draft"}
    doubtful = {drafts[id].key: drafts[id].order for id, one in current.items() if not _certain(one, drafts[id].buyer)}
    who |= buyers(odoo, doubtful, at) if doubtful else {}
    for id, one in current.items():
        buyer = who[drafts[id].key]
        if isinstance(buyer, Buyer) and not _names(one, buyer) and one.writer == odoo.user_id():
            odoo.call("account.move", "write", [id], company=at.id, vals=_values(buyer, drafts[id]))
    return who


def _certain(one: Standing, buyer: Buyer) -> bool:
    """Whether the buyer was read before the draft, or is now read with it and fits."""
    return buyer.unread is None or (one.buyer.get("id") == buyer.invoiced and fits(one.buyer, buyer.unread))


def _names(one: Standing, buyer: Buyer) -> bool:
    """Whether the draft names that buyer. A contact below the buyer counts as the buyer."""
    return buyer.invoiced in (one.buyer.get("id"), one.buyer.get("parent_id"))


def _values(buyer: Buyer, draft: Drafted) -> dict[str, object]:
    """The buyer, with what Odoo would otherwise derive from its record."""
    values: dict[str, object] = {"partner_id": buyer.invoiced, "partner_shipping_id": buyer.addressee}
    if draft.position is not None:
        values["fiscal_position_id"] = draft.position or False
    if draft.term is not None:
        values["invoice_payment_term_id"] = draft.term
    return values
