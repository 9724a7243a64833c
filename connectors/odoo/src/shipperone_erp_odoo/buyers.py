"""Selects the Odoo contact to which an invoice is addressed.

A company is matched by its VAT id or its registration number, else by equal name and address. A private person is
matched by equal e-mail, name and address. Without a match a contact is created. Existing contacts are never changed,
several matches are never chosen from, and a business never becomes a private person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shipperone_erp import FulfillmentOrder, Owner, Party, Reason, Refused
from shipperone_erp_odoo import lookups, vat_checks
from shipperone_erp_odoo.business_identity import company_name, plain, registration_number, vat_id
from shipperone_erp_odoo.contacts import (
    REGISTRY,
    Contact,
    another_company,
    contact_id,
    fields_of,
    get_or_create,
    vat_group,
)
from shipperone_erp_odoo.faults import OdooRefused
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, one
from shipperone_erp_odoo.parties import LANGUAGE, ORDER, PLACE, buyer
from shipperone_erp_odoo.warehouses import Company


@dataclass(frozen=True, slots=True)
class Buyer:
    """The invoiced contact, the contact that receives the goods, and the buyer's data on the document.

    `unread`: the record of `invoiced` was not read yet, and must be compared with this contact.
    """

    invoiced: int
    shipped: int | None
    note: str | None = None
    unread: Contact | None = field(default=None, compare=False)

    @property
    def addressee(self) -> int:
        """The contact that receives the goods; it differs from the buyer only for another delivery address."""
        return self.shipped or self.invoiced


def buyers(
    odoo: Odoo, orders: Mapping[str, FulfillmentOrder], at: Company, *, unread: bool = False
) -> dict[str, Buyer | Refused]:
    """The contacts of each order, by its key. `unread`: a created one is not read, since a document is read with it."""
    if odoo.settings.customers == "fixed":
        return dict.fromkeys(orders, _everybody(odoo, at))
    parties = {key: buyer(order) for key, order in orders.items()}
    anonymous = [key for key, party in parties.items() if odoo.settings.customer and not (party.name or party.company)]
    if anonymous:
        named = {key: order for key, order in orders.items() if key not in anonymous}
        return dict.fromkeys(anonymous, _everybody(odoo, at)) | buyers(odoo, named, at, unread=unread)
    created: dict[str, Contact] | None = {} if unread else None
    invoiced = _invoiced(odoo, parties, at, created)
    notes = _without_invalid_vat_ids(odoo, orders, parties, invoiced, at)
    below: dict[str, Contact] = {}
    for key, id in invoiced.items():
        if isinstance(id, int):
            person, place = _person(odoo, parties[key], id), _address(odoo, orders[key], parties[key], id)
            below |= {f"person {key}": person} if person else {}
            below |= {f"place {key}": place} if place else {}
    made = get_or_create(odoo, below, at)
    answers: dict[str, Buyer | Refused] = {}
    for key, id in invoiced.items():
        shipped = made.get(f"place {key}")
        found = (id, made.get(f"person {key}"), shipped)
        refused = next((answer for answer in found if isinstance(answer, Refused)), None)
        to = shipped if isinstance(shipped, int) else None
        not_read = created.get(key) if created and key not in notes else None
        answers[key] = refused or Buyer(int(str(id)), to, notes.get(key), not_read)
    return answers


def _everybody(odoo: Odoo, at: Company) -> Buyer:
    return odoo.kept(("customer", at.id), lambda: Buyer(fixed_customer(odoo, at), None))


def fixed_customer(odoo: Odoo, at: Company) -> int:
    """The contact named by `customer`."""
    name = odoo.settings.customer
    rows = odoo.find("res.partner", ["|", ("ref", "=", name), ("name", "=", name)], ["id"], company=at.id)
    if len(rows) != 1:
        sentence = (
            f"{len(rows) or 'no'} contacts in Odoo are named {name!r}, or have that reference: `customer` must name "
            "exactly one"
        )
        raise Refused(Reason.CUSTOMER_AMBIGUOUS if rows else Reason.CONFIG_INCOMPLETE, sentence)
    return int(rows[0]["id"])


def _invoiced(
    odoo: Odoo, parties: Mapping[str, Party], at: Company, created: dict[str, Contact] | None = None
) -> dict[str, int | Refused]:
    """The contact to which each party's invoice is addressed. `created` collects those that were not read."""
    known = _known(odoo, list(parties.values()), at)
    answers: dict[str, int | Refused] = {}
    missing: dict[str, Contact] = {}
    for key, party in parties.items():
        try:
            found = _match(odoo, party, known)
            if isinstance(found, int):
                answers[key] = found
            else:
                missing[key] = found
        except Refused as refusal:
            answers[key] = refusal
    if created is not None:
        created |= missing
    return answers | get_or_create(odoo, missing, at, unread=created is not None)


def _without_invalid_vat_ids(
    odoo: Odoo,
    orders: Mapping[str, FulfillmentOrder],
    parties: dict[str, Party],
    invoiced: dict[str, int | Refused],
    at: Company,
) -> dict[str, str]:
    """Orders whose VAT id Odoo refuses are held if their tax depends on it; otherwise they are invoiced without it.

    Changes `parties` and `invoiced`; returns the texts for the documents of the latter.
    """
    suspects = {
        key: (vat, parties[key].country)
        for key, answer in invoiced.items()
        if isinstance(answer, OdooRefused) and (vat := parties[key].vat_id)
    }
    refused = vat_checks.invalid(odoo, suspects.values(), at) if suspects else set()
    notes: dict[str, str] = {}
    for key, number in suspects.items():
        if number not in refused:
            continue
        if vat_checks.decides_tax(odoo.settings, orders[key], at):
            invoiced[key] = vat_checks.refusal(number[0], orders[key])
        else:
            parties[key] = replace(parties[key], vat_id=None)
            notes[key] = f"VAT id {number[0]} is not valid in Odoo; this document is issued without it."
    invoiced |= _invoiced(odoo, {key: parties[key] for key in notes}, at) if notes else {}
    return notes


def _as_company(odoo: Odoo, party: Party) -> bool:
    """Whether the invoice is addressed to a company."""
    return bool(party.vat_id or (party.company and odoo.settings.business == "company"))


def _known(odoo: Odoo, parties: Sequence[Party], at: Company) -> list[Row]:
    """Every contact that may match one of these, in one call; they are compared exactly afterwards."""
    conditions: list[object] = []
    for vat in sorted({party.vat_id for party in parties if party.vat_id}):
        conditions.append(("vat", "=ilike", "%".join(vat)))  # whatever stands between its characters
    persons = [party for party in parties if not _as_company(odoo, party)]
    companies = [party for party in parties if _as_company(odoo, party) and not party.vat_id]
    emails = sorted({party.email.strip().lower() for party in persons if party.email})
    if emails:
        conditions.append(("email_normalized", "in", emails))
    for number in sorted({number for party in companies if (number := registration_number(party.company_id))}):
        conditions.append((REGISTRY, "=ilike", "%" + "%".join(number)))
    for name in sorted({name for party in companies if (name := party.company)}):
        conditions.append(("name", "=ilike", "%".join(map(_literally, name.split()))))
    if not conditions:
        return []
    either = ["|"] * (len(conditions) - 1) + conditions
    fields = fields_of(registration_number(party.company_id) for party in parties if _as_company(odoo, party))
    return odoo.find("res.partner", either, fields, company=at.id, order="id")


def _match(odoo: Odoo, party: Party, known: Sequence[Row]) -> int | Contact:
    if _as_company(odoo, party):
        return _matching_company(odoo, party, known)
    private = [row for row in known if not row["vat"] and not row["is_company"]]
    fitting = [
        row for row in private if plain(row["email"]) == plain(party.email) and _same(odoo, row, party.name, party)
    ]
    return _only(fitting, "this e-mail, name and address") or _new(odoo, party)


def _matching_company(odoo: Odoo, party: Party, known: Sequence[Row]) -> int | Contact:
    registered = registration_number(party.company_id)
    top = [row for row in known if not row["parent_id"]]
    of_number = [row for row in top if registered and registration_number(str(row[REGISTRY] or "")) == registered]
    if party.vat_id:
        equal = [row for row in top if row["vat"] and vat_id(row["vat"]) == party.vat_id]
        fitting = [row for row in equal if not another_company(registered, row)]
        if equal and not fitting:
            raise vat_group(party.vat_id, equal[0])
        exact = [row for row in fitting if row in of_number]
        return _only(exact or fitting, f"VAT id {party.vat_id}") or _new(odoo, party)
    at_place = [
        row for row in top
        if _placed_somewhere(party)
        and row["is_company"] and _same(odoo, row, party.company, party) and not another_company(registered, row)
    ]  # fmt: skip
    what = f"registration number {party.company_id}" if of_number else "this company's name and address"
    return _only(of_number or at_place, what) or _new(odoo, party)


def _only(fitting: Sequence[Row], what: str) -> int | None:
    if len(fitting) > 1:
        ids = ", ".join(str(row["id"]) for row in fitting)
        sentence = f"{len(fitting)} contacts in Odoo have {what} (ids {ids}): merge them, or archive all but one"
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, sentence, Owner.ACCOUNTANT)
    return int(fitting[0]["id"]) if fitting else None


def _new(odoo: Odoo, party: Party) -> Contact:
    """A contact to be created, under the external id of the data by which it was searched."""
    company = _as_company(odoo, party)
    name = (party.company or party.name) if company else (party.name or party.company)
    if not name:
        sentence = "the order names no buyer: set a `customer` for anonymous sales"
        raise Refused(Reason.CUSTOMER_AMBIGUOUS, sentence, Owner.ACCOUNTANT)
    person = [plain(party.email), plain(party.name or party.company), *_where(party)]
    if party.vat_id:
        identity = [party.vat_id]
    elif company:
        registered = registration_number(party.company_id)
        identity = ["company", registered] if registered else ["company", plain(party.company), *_where(party)]
    else:
        identity = person
    numbered = party.vat_id or (company and registration_number(party.company_id))
    if not numbered and not _placed_somewhere(party) and (company or not plain(party.email)):
        identity = [*identity, *person, str(party.extra.get(ORDER))]  # two of one name are two
    head = {
        "name": name,
        "is_company": "1" if company else "0",
        "vat": party.vat_id,
        REGISTRY: party.company_id if company else None,
        "email": party.email,
        "phone": party.phone,
        "lang": _language(odoo, party),
        **_placed(odoo, party),
    }
    earlier = contact_id("BUYER", person) if company and not party.vat_id else None
    return Contact(Draft(contact_id("BUYER", identity), head), earlier, (party.name, party.company))


def _person(odoo: Odoo, party: Party, parent: int) -> Contact | None:
    """The person who bought for a company, as a child contact of the company."""
    if not _as_company(odoo, party) or not party.name or plain(party.name) == plain(party.company or party.name):
        return None
    head = {
        "name": party.name, "parent_id/.id": parent, "type": "contact", "email": party.email, "phone": party.phone,
        "lang": _language(odoo, party),
    }  # fmt: skip
    return Contact(Draft(contact_id("PERSON", [str(parent), plain(party.name), plain(party.email)]), head))


def _address(odoo: Odoo, order: FulfillmentOrder, invoiced: Party, parent: int) -> Contact | None:
    """The delivery address as a child contact of the buyer, if it differs from the buyer's address."""
    to = order.shipping
    if to is None or not to.street or (_where(to) == _where(invoiced) and plain(to.name) == plain(invoiced.name)):
        return None
    head = {
        "name": to.name or company_name(to.company) or invoiced.name or invoiced.company,
        "parent_id/.id": parent,
        "type": "delivery",
        "phone": to.phone,
        "lang": _language(odoo, invoiced),
        **_placed(odoo, to),
    }
    return Contact(Draft(contact_id("PLACE", [str(parent), plain(to.name), *_where(to)]), head))


def _language(odoo: Odoo, party: Party) -> str | None:
    text = party.extra.get(LANGUAGE)
    return lookups.language(odoo, str(text)) if text else None


def _placed(odoo: Odoo, party: Party) -> dict[str, object]:
    country = lookups.country(odoo, party.country) if party.country else None
    return {
        "street": party.street,
        "city": party.city,
        "zip": party.postcode,
        "country_id/.id": country,
        "state_id/.id": lookups.region(odoo, party.region, country) if party.region and country else None,
    }


def _same(odoo: Odoo, row: Row, name: str | None, party: Party) -> bool:
    """Whether the contact has this name and the party's address."""
    country = lookups.country(odoo, party.country) if party.country else None
    theirs = (row["name"], row["street"], row["city"], row["zip"])
    ours = (name, party.street, party.city, party.postcode)
    return [*map(plain, theirs)] == [*map(plain, ours)] and one(row["country_id"]) == country


def _placed_somewhere(party: Party) -> bool:
    """Whether the party has an address, since a name alone identifies nobody."""
    return bool(plain(party.street) or plain(party.postcode))


def _where(party: Party) -> list[str]:
    return [plain(getattr(party, name)) for name in PLACE]


def _literally(text: str) -> str:
    """The text as a pattern that matches only itself."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
