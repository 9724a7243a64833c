"""Who an invoice is made out to, in Odoo's contacts (B16).

A VAT id that is equal is that company; a person is the one whose e-mail, name and address are all equal; else a contact
is made. What is there is never written to, several that fit are never chosen from, and a business is never a private
person. Made contacts carry an external id of what they are, so that the next order finds the same one.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipperone_erp import FulfillmentOrder, Owner, Party, Reason, Refused
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, external_id, one
from shipperone_erp_odoo.sites import Company

FIELDS = ["name", "vat", "email", "is_company", "parent_id", "street", "city", "zip", "country_id"]


@dataclass(frozen=True, slots=True)
class Buyer:
    """The contact that is invoiced, and the one that the goods went to."""

    invoiced: int
    shipped: int | None


def buyer(order: FulfillmentOrder) -> Party:
    """Who buys: the billing address, completed by what only the customer's record says."""
    billing, customer = order.billing or Party(), order.customer or Party()
    return Party(
        **{
            name: getattr(billing, name) or getattr(customer, name)
            for name in ("name", "company", "vat_id", "company_id", "email", "phone")
        },
        **{name: getattr(billing if billing.street else customer, name) for name in PLACE},
    )


PLACE = ("street", "city", "postcode", "country")


def buyers(odoo: Odoo, orders: Mapping[str, FulfillmentOrder], at: Company) -> dict[str, Buyer | Refused]:
    """The contacts of each order, by its key."""
    if odoo.settings.customers == "fixed":
        everybody = odoo.kept(("customer", at.id), lambda: Buyer(fixed_customer(odoo, at), None))
        return dict.fromkeys(orders, everybody)
    parties = {key: buyer(order) for key, order in orders.items()}
    known = _known(odoo, list(parties.values()), at)
    answers: dict[str, Buyer | Refused] = {}
    found: dict[str, int | Draft] = {}
    for key, party in parties.items():
        try:
            found[key] = _match(odoo, party, known)
        except Refused as refusal:
            answers[key] = refusal
    made = _made(odoo, [draft for draft in found.values() if isinstance(draft, Draft)], at)
    invoiced = {key: made[one.xid] if isinstance(one, Draft) else one for key, one in found.items()}
    addresses = {
        key: draft
        for key, id in invoiced.items()
        if isinstance(id, int) and (draft := _address(odoo, orders[key], parties[key], id)) is not None
    }
    shipped = _made(odoo, list(addresses.values()), at)
    for key, id in invoiced.items():
        place = shipped[addresses[key].xid] if key in addresses else None
        refused = next((answer for answer in (id, place) if isinstance(answer, Refused)), None)
        answers[key] = refused or Buyer(int(str(id)), place if isinstance(place, int) else None)
    return answers


def _made(odoo: Odoo, drafts: Sequence[Draft], at: Company) -> dict[str, int | Refused]:
    """The contacts of these drafts, by their external ids.

    One that was made before and is no longer what it was made as (archived, merged, corrected) is left as it is, and
    the next one is made.
    """
    wanted = {draft.xid: draft for draft in drafts}
    answers: dict[str, int | Refused] = {}
    for number in range(1, MADE_AT_MOST + 1):
        named = {xid: xid if number == 1 else f"{xid}_{number}" for xid in wanted if xid not in answers}
        if not named:
            break
        loaded = odoo.load("res.partner", [Draft(name, wanted[xid].head) for xid, name in named.items()], company=at.id)
        ids = [id for id in loaded.values() if isinstance(id, int)]
        rows = odoo.find("res.partner", [("id", "in", ids)], FIELDS, company=at.id, order="id") if ids else []
        active = {int(row["id"]): row for row in rows}  # without archived ones
        for xid, name in named.items():
            id = loaded[name]
            if isinstance(id, Refused) or (id in active and _still(active[id], wanted[xid].head)):
                answers[xid] = id
    for xid in wanted.keys() - answers.keys():
        said = f"the contacts that were made for this buyer were changed in Odoo {MADE_AT_MOST} times; look at them"
        answers[xid] = Refused(Reason.CUSTOMER_AMBIGUOUS, said, Owner.ACCOUNTANT)
    return answers


def _still(row: Row, head: Mapping[str, object]) -> bool:
    """It is what it was made as."""
    if head.get("vat"):
        return _vat(str(row["vat"] or "")) == head["vat"]
    ours = [_plain(head.get(name)) for name in ("name", "street", "city", "zip")]
    place = (one(row["country_id"]), one(row["parent_id"]))
    return ours == [_plain(row[name]) for name in ("name", "street", "city", "zip")] and place == (
        head.get("country_id/.id"), head.get("parent_id/.id"),
    )  # fmt: skip


MADE_AT_MOST = 9


def fixed_customer(odoo: Odoo, at: Company) -> int:
    """The contact that `customer` names."""
    name = odoo.settings.customer
    rows = odoo.find("res.partner", ["|", ("ref", "=", name), ("name", "=", name)], ["id"], company=at.id)
    if len(rows) != 1:
        said = f"{len(rows) or 'no'} contacts in Odoo are named {name!r}, or have that reference: `customer` names one"
        raise Refused(Reason.CUSTOMER_AMBIGUOUS if rows else Reason.CONFIG_INCOMPLETE, said)
    return int(rows[0]["id"])


def _known(odoo: Odoo, parties: Sequence[Party], at: Company) -> list[Row]:
    """Every contact with a VAT id or an e-mail of these, in one call; compared exactly afterwards."""
    conditions: list[object] = []
    for vat in sorted({_vat(party.vat_id) for party in parties if party.vat_id}):
        conditions.append(("vat", "=ilike", "%".join(vat)))  # whatever stands between its characters
    emails = sorted({party.email.strip().lower() for party in parties if party.email and not party.vat_id})
    if emails:
        conditions.append(("email_normalized", "in", emails))
    if not conditions:
        return []
    either = ["|"] * (len(conditions) - 1) + conditions
    return odoo.find("res.partner", either, FIELDS, company=at.id, order="id")


def _match(odoo: Odoo, party: Party, known: Sequence[Row]) -> int | Draft:
    if party.vat_id:
        vat = _vat(party.vat_id)
        fitting = [row for row in known if row["vat"] and _vat(row["vat"]) == vat and not row["parent_id"]]
        what = f"VAT id {vat}"
    else:
        fitting = [row for row in known if not row["vat"] and not row["is_company"] and _same(odoo, row, party)]
        what = "this e-mail, name and address"
    if len(fitting) > 1:
        ids = ", ".join(str(row["id"]) for row in fitting)
        said = f"{len(fitting)} contacts in Odoo have {what} (ids {ids}): merge them, or archive all but one"
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, said, Owner.ACCOUNTANT)
    if fitting:
        return int(fitting[0]["id"])
    name = (party.company or party.name) if party.vat_id else (party.name or party.company)
    if not name:
        said = 'the order names no buyer: set customers = "fixed" and a `customer` for anonymous sales'
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, said, Owner.ACCOUNTANT)
    business = bool(party.vat_id or party.company)
    identity = [_vat(party.vat_id)] if party.vat_id else [_plain(party.email), _plain(name), *_where(party)]
    head = {
        "name": name,
        "is_company": "1" if business else "0",
        "vat": party.vat_id and _vat(party.vat_id),
        "email": party.email,
        "phone": party.phone,
        **_placed(odoo, party),
    }
    return Draft(external_id("BUYER", _digest(identity)), head)


def _address(odoo: Odoo, order: FulfillmentOrder, invoiced: Party, parent: int) -> Draft | None:
    """The delivery address as a contact below the buyer, if the goods went elsewhere than the buyer lives."""
    to = order.shipping
    if to is None or not to.street or (_where(to) == _where(invoiced) and _plain(to.name) == _plain(invoiced.name)):
        return None
    head = {
        "name": to.name or to.company or invoiced.name or invoiced.company,
        "parent_id/.id": parent,
        "type": "delivery",
        "phone": to.phone,
        **_placed(odoo, to),
    }
    return Draft(external_id("PLACE", _digest([str(parent), _plain(to.name), *_where(to)])), head)


def _placed(odoo: Odoo, party: Party) -> dict[str, object]:
    return {
        "street": party.street,
        "city": party.city,
        "zip": party.postcode,
        "country_id/.id": lookups.country(odoo, party.country) if party.country else None,
    }


def _same(odoo: Odoo, row: Row, party: Party) -> bool:
    country = lookups.country(odoo, party.country) if party.country else None
    theirs = (row["email"], row["name"], row["street"], row["city"], row["zip"])
    ours = (party.email, party.name, party.street, party.city, party.postcode)
    return [*map(_plain, theirs)] == [*map(_plain, ours)] and one(row["country_id"]) == country


def _where(party: Party) -> list[str]:
    return [_plain(getattr(party, name)) for name in PLACE]


def _vat(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _plain(text: object) -> str:
    return " ".join(str(text or "").split()).casefold()


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256("\x1f".join(texts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:20]
