"""Contacts created by this connector: get-or-create under an external id of their identifying data.

A contact that an accountant has corrected since remains that contact: it is used unchanged, and never written to.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.business_identity import plain, registration_number, vat_id
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, external_id, one
from shipperone_erp_odoo.warehouses import Company

FIELDS = ["name", "vat", "email", "is_company", "parent_id", "street", "city", "zip", "country_id"]
REGISTRY = "company_registry"

READ: dict[str, Any] = {name: {} for name in ["active", *FIELDS, REGISTRY]}
"""What is read of a contact with a document that names it."""

MADE_AT_MOST = 9


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact to be created.

    `earlier`: the external id of previous versions for the same company, as a contact with one of these `names`.
    """

    draft: Draft
    earlier: str | None = None
    names: tuple[str | None, ...] = field(default=())

    @property
    def registered(self) -> str | None:
        """Its registration number, in its form for comparison."""
        return registration_number(_text(self.draft.head.get(REGISTRY)))


def contact_id(kind: str, identity: Sequence[str]) -> str:
    """The external id of the contact identified by these texts."""
    digest = hashlib.sha256("\x1f".join(identity).encode()).digest()
    return external_id(kind, base64.b32encode(digest).decode().lower()[:20])


def get_or_create(
    odoo: Odoo, contacts: Mapping[str, Contact], at: Company, *, unread: bool = False
) -> dict[str, int | Refused]:
    """The contact of each key.

    A contact that is archived, or has become another company or person, is left unchanged, and the next one is created.
    `unread`: the first one is returned as it is; the caller reads it and compares it by `fits`.
    """
    wanted: dict[str, Contact] = {}
    for contact in contacts.values():
        wanted.setdefault(contact.draft.xid, contact)
    fields = fields_of(contact.registered for contact in contacts.values())
    rows = {xid: row for xid, contact in wanted.items() if (row := _earlier(odoo, contact, fields, at))}
    found: dict[str, int | Refused] = {xid: int(row["id"]) for xid, row in rows.items()}
    for number in range(1, MADE_AT_MOST + 1):
        named = {xid: xid if number == 1 else f"{xid}_{number}" for xid in wanted if xid not in found}
        if not named:
            break
        drafts = [Draft(name, wanted[xid].draft.head) for xid, name in named.items()]
        loaded = odoo.load("res.partner", drafts, company=at.id)
        if unread:
            found |= {xid: loaded[name] for xid, name in named.items()}
            break
        active = _active(odoo, [id for id in loaded.values() if isinstance(id, int)], fields, at)
        for xid, name in named.items():
            id = loaded[name]
            if isinstance(id, Refused):
                found[xid] = id
            elif id in active and _still(active[id], wanted[xid]):
                found[xid], rows[xid] = id, active[id]
    sentence = f"the contacts created for this buyer were changed in Odoo {MADE_AT_MOST} times; check them"
    for xid in wanted.keys() - found.keys():
        found[xid] = Refused(Reason.CUSTOMER_AMBIGUOUS, sentence, Owner.ACCOUNTANT)
    return {
        key: _same_company(contact, rows.get(contact.draft.xid)) or found[contact.draft.xid]
        for key, contact in contacts.items()
    }


def fits(row: Row, contact: Contact) -> bool:
    """Whether a contact that was read with `READ` is active, and still the one that was to be created."""
    parent = [row["parent_id"], ""] if row["parent_id"] else False
    return bool(row["active"]) and _still({**row, "parent_id": parent}, contact) and not another_company(
        contact.registered, row
    )  # fmt: skip


def fields_of(registered: Iterable[str | None]) -> list[str]:
    """The fields of a contact to read; includes the registration number only if one is compared."""
    return [*FIELDS, REGISTRY] if any(registered) else FIELDS


def another_company(registered: str | None, row: Row) -> bool:
    """Whether both have a registration number, and these differ."""
    theirs = registration_number(_text(row.get(REGISTRY)))
    return registered is not None and theirs is not None and registered != theirs


def vat_group(vat: str | None, row: Row) -> Refused:
    """The refusal for several companies with one VAT id."""
    return Refused(
        Reason.CUSTOMER_AMBIGUOUS,
        f"contact {row['id']} in Odoo has VAT id {vat} and another registration number than the order: companies of a "
        "VAT group need separate contacts; create one with this registration number in Odoo",
        Owner.ACCOUNTANT,
    )


def _same_company(contact: Contact, row: Row | None) -> Refused | None:
    vat = _text(contact.draft.head.get("vat"))
    return vat_group(vat, row) if row is not None and vat and another_company(contact.registered, row) else None


def _earlier(odoo: Odoo, contact: Contact, fields: Sequence[str], at: Company) -> Row | None:
    """The company's contact from a previous version; None if there is none that is still in use."""
    if contact.earlier is None:
        return None
    for number in range(1, MADE_AT_MOST + 1):
        id = odoo.reference(contact.earlier if number == 1 else f"{contact.earlier}_{number}")
        if id is None:
            return None
        row = _active(odoo, [id], fields, at).get(id)
        if row is not None and row["is_company"] and _still(row, contact):
            return row if not another_company(contact.registered, row) else None
    return None


def _active(odoo: Odoo, ids: Sequence[int], fields: Sequence[str], at: Company) -> dict[int, Row]:
    rows = odoo.find("res.partner", [("id", "in", ids)], fields, company=at.id, order="id") if ids else []
    return {int(row["id"]): row for row in rows}


def _still(row: Row, contact: Contact) -> bool:
    """Whether it is still the same contact, perhaps corrected.

    It must belong to the same parent, and still have some identifying data.
    """
    head = contact.draft.head
    if one(row["parent_id"]) != head.get("parent_id/.id"):
        return False
    names = {plain(name) for name in (head.get("name"), *contact.names)}
    vat, email = vat_id(_text(row["vat"])), plain(row["email"])
    place = [plain(row[name]) for name in ("street", "zip")]
    return (
        plain(row["name"]) in names
        or (vat is not None and vat == head.get("vat"))
        or (email != "" and email == plain(head.get("email")))
        or (any(place) and place == [plain(head.get(name)) for name in ("street", "zip")])
    )


def _text(value: object) -> str | None:
    return str(value) if value else None
