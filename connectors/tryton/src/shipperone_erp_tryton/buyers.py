"""The buyer as a party of Tryton: found by the VAT id or by ShipperOne's data of the buyer, else created once.

`party.party` has no field by which two concurrent calls would notice that they create the same buyer; this package's
module adds one, with a unique constraint. Two buyers who differ in name, company, VAT id or e-mail are two parties.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from shipperone_erp import FulfillmentOrder, Owner, Party, Reason, Refused
from shipperone_erp_tryton.erp import Books


def buyer(books: Books, order: FulfillmentOrder) -> Any:
    """The party that the order is invoiced to; the one of the settings if the order names no buyer."""
    who = order.billing or order.customer or order.shipping
    if who is None or not (who.name or who.company):
        return _fixed(books, order)
    vat_id = _compact(who.vat_id or (order.customer.vat_id if order.customer else None))
    if vat_id:
        known = _with_vat_id(books, vat_id)
        if known is not None:
            return known
    return _made(books, order, who, vat_id)


def address(books: Books, party: Any, who: Party | None) -> Any:
    """The party's address equal to this one, added if there is none; the party's own if the order has no address."""
    if who is None or not (who.street or who.city or who.postcode):
        return party.address_get() or _add_address(books, party, {})
    country = _country(books, who.country)
    wanted = {
        "party_name": who.company or who.name or "",
        "street_unstructured": who.street or "",
        "postal_code": who.postcode or "",
        "city": who.city or "",
        "country": None if country is None else country.id,
    }
    for known in party.addresses:
        has = {name: getattr(known, name) or "" for name in wanted if name != "country"}
        has["country"] = known.country.id if known.country else None
        if has == wanted:
            return known
    return _add_address(books, party, wanted)


def _fixed(books: Books, order: FulfillmentOrder) -> Any:
    code = books.settings.customer
    if code is None:
        sentence = f"order {order.order_id} names no buyer; set `customer` to the code of the party for such orders"
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, sentence, Owner.ACCOUNTANT)
    found = books.search("party.party", [("code", "=", code)])
    if not found:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"`customer`: no active party has the code {code} in Tryton")
    return found[0]


def _with_vat_id(books: Books, vat_id: str) -> Any | None:
    found = books.search("party.identifier", [("code", "=", vat_id)])
    parties = {identifier.party.id: identifier.party for identifier in found if identifier.party.active}
    if len(parties) > 1:
        names = ", ".join(sorted(party.rec_name for party in parties.values()))
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, f"{len(parties)} parties have the VAT id of the buyer: {names}")
    return next(iter(parties.values()), None)


def _made(books: Books, order: FulfillmentOrder, who: Party, vat_id: str) -> Any:
    unique = _unique(who, vat_id)
    found = books.search("party.party", [("shipperone_buyer", "=", unique), ("active", "in", [True, False])])
    if found:
        return found[0]
    values: dict[str, Any] = {"name": who.company or who.name, "shipperone_buyer": unique}
    if vat_id:
        values["identifiers"] = [("create", [{"type": _kind(vat_id), "code": vat_id}])]
    if contacts := [*_contact("email", who.email), *_contact("other", who.phone)]:
        values["contact_mechanisms"] = [("create", contacts)]
    (party,) = books.model("party.party").create([values])
    return party


def _contact(kind: str, value: str | None) -> list[dict[str, str]]:
    """An e-mail address that Tryton refuses is kept as another kind of contact, so that no order has to wait for it."""
    if not value:
        return []
    if kind == "email":
        from trytond.tools.email_ import EmailNotValidError, validate_email

        try:
            validate_email(value)
        except EmailNotValidError:
            kind = "other"
    return [{"type": kind, "value": value}]


def _unique(who: Party, vat_id: str) -> str:
    """The identity of this buyer, as a digest: the party's field is visible to every user."""
    parts = [who.name, who.company, vat_id, who.company_id, (who.email or "").lower() or None]
    canonical = json.dumps([" ".join((text or "").split()) for text in parts], ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _compact(vat_id: str | None) -> str:
    return "".join(character for character in (vat_id or "").upper() if character.isalnum())


def _kind(vat_id: str) -> str | None:
    """`eu_vat` for a number of that form. Tryton refuses an invalid number of that type, so others have no type."""
    from stdnum.eu import vat

    return "eu_vat" if vat.is_valid(vat_id) else None


def _country(books: Books, code: str | None) -> Any | None:
    if not code:
        return None
    found = books.search("country.country", [("code", "=", code.upper())])
    return found[0] if found else None


def _add_address(books: Books, party: Any, values: dict[str, Any]) -> Any:
    (made,) = books.model("party.address").create([{"party": party.id, **values}])
    return made
