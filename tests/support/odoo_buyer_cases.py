"""What is promised about buyers and their VAT ids: who is on the invoice, under which tax, and what is held.

As the cases of `odoo_cases`, they run on a real Odoo and on a recording of one.
"""

import zlib
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from odoo_shop import Shop, ids
from shipperone_erp import BuildInvoice, FulfillmentOrder, Party, Reason, Refused, Reserved
from shipperone_erp_odoo import OdooConnector
from shipperone_erp_odoo.contacts import contact_id
from shipperone_erp_odoo.odoo import MODULE
from shipperone_erp_odoo.seeding import Seed

PARTNER = ["name", "is_company", "vat", "email", "phone", "street", "state_id", "parent_id", "company_registry"]


def own(shop: Shop) -> str:
    """A name of nobody but this case."""
    return f"{shop.tag}.{shop.case}"


def some_number(shop: Shop) -> int:
    """Of nobody but this case, below 600,000."""
    return zlib.crc32(own(shop).encode()) % 600_000


def vat_of(shop: Shop) -> str:
    """A valid Slovak VAT id: ten digits that are a multiple of eleven."""
    return f"SK{2_022_749_619 + 11 * some_number(shop)}"


def by_vat_id(shop: Shop) -> OdooConnector:
    """A buyer with a VAT id has a tax of its own."""
    rules = [
        {"business": True, "tax": f"{shop.tag} 5 % incl."},
        {"business": False, "tax": f"{shop.tag} 23 % incl."},
    ]
    return shop.connector(taxes=rules)


def whoever(shop: Shop) -> OdooConnector:
    """One tax for everybody."""
    return shop.connector(taxes=[{"tax": f"{shop.tag} 23 % incl."}])


def order_of(shop: Shop, number: int, who: Party, **more: Any) -> FulfillmentOrder:
    return shop.order(shop.item(1, "MUG"), number=number, billing=who, customer=None, **more)


def invoiced(erp: OdooConnector, built: Any) -> tuple[dict[str, Any], set[int]]:
    """The contact on the invoice, and the rates of its taxes."""
    move = ids(built.reference)
    (row,) = erp._odoo.find("account.move", [("id", "in", move)], ["partner_id"])
    (partner,) = erp._odoo.find("res.partner", [("id", "=", row["partner_id"][0])], PARTNER)
    lines = erp._odoo.find(
        "account.move.line", [("move_id", "in", move), ("display_type", "=", "product")], ["tax_ids"]
    )
    taxes = sorted({id for line in lines for id in line["tax_ids"]})
    rates = erp._odoo.find("account.tax", [("id", "in", taxes)], ["amount"])
    return partner, {int(rate["amount"]) for rate in rates}


def placeholders(shop: Shop) -> None:
    """What is typed where a form wants a VAT id or a company makes nobody a business, and no two people one contact."""
    shop.product("MUG")
    erp = by_vat_id(shop)
    typed = (("-", "–"), ("n/a", "none"), ("0", "private person"))
    people = [
        Party(
            name=f"Person {number}", email=f"{own(shop)}{number}@example.com", street=f"Main {number}", city="Nitra",
            country="SK", vat_id=vat, company=company, company_id=vat,
        )
        for number, (vat, company) in enumerate(typed)
    ]  # fmt: skip
    orders = {shop.key(f"i{n}"): order_of(shop, n, who) for n, who in enumerate(people)}
    built = erp.build_invoice_batch([BuildInvoice(key, order, 1, DAY, ()) for key, order in orders.items()])
    found = [invoiced(erp, invoice) for invoice in built.values()]
    assert [partner["name"] for partner, _ in found] == ["Person 0", "Person 1", "Person 2"]
    assert not any(partner["vat"] or partner["is_company"] for partner, _ in found)
    assert [rates for _, rates in found] == [{23}] * 3


DAY = date(2026, 3, 31)


def companies(shop: Shop) -> None:
    """A company without a VAT id is that company, by its registration number, whoever buys for it; the person is below
    it, the tax is a private buyer's."""
    shop.product("MUG")
    erp = by_vat_id(shop)
    number = f"00{some_number(shop):06}"
    eva = Party(
        name="Eva Malá", company=f"Potraviny {own(shop)} s.r.o.", company_id=number, email=f"eva.{own(shop)}@example.com",
        phone="+421 900 1", street="Biz 1", city="Nitra", postcode="94901", country="SK", region="Nitriansky kraj",
    )  # fmt: skip
    first, rates = invoiced(erp, shop.build(erp, "i1", order_of(shop, 1, eva)))
    assert (first["name"], first["company_registry"], first["is_company"]) == (eva.company, number, True)
    assert (first["vat"], first["phone"], rates) == (False, "+421 900 1", {23})
    below = erp._odoo.find("res.partner", [("parent_id", "=", first["id"])], ["name", "email", "type"])
    assert [(row["name"], row["email"], row["type"]) for row in below] == [("Eva Malá", eva.email, "contact")]
    colleague = Party(
        name="Ján Veľký", company="POTRAVINY", company_id=number.lstrip("0"), email="jan@example.com", street="Biz 2",
        country="SK",
    )  # fmt: skip
    assert invoiced(erp, shop.build(erp, "i2", order_of(shop, 2, colleague)))[0]["id"] == first["id"]
    same_name = Party(name="Ivo", company=eva.company, street="Elsewhere 9", city="Žilina", country="SK")
    other, _ = invoiced(erp, shop.build(erp, "i3", order_of(shop, 3, same_name)))
    assert other["id"] != first["id"]
    assert invoiced(erp, shop.build(erp, "i4", order_of(shop, 4, same_name)))[0]["id"] == other["id"]
    shop.act(lambda seed: seed.admin.call(
        "res.partner", "write", [other["id"]], {"name": "Corrected a.s.", "city": "Bytča", "vat": vat_of(shop)}
    ))  # fmt: skip
    assert invoiced(erp, shop.build(erp, "i5", order_of(shop, 5, same_name)))[0]["id"] == other["id"]
    person = shop.connector(business="vat_id", taxes=[{"tax": f"{shop.tag} 23 % incl."}])
    private, _ = invoiced(person, shop.build(person, "i6", order_of(shop, 6, eva)))
    assert (private["name"], private["is_company"]) == ("Eva Malá", False)


def vat_groups(shop: Shop) -> None:
    """Companies of a VAT group have one VAT id and registration numbers of their own: nobody is chosen for them."""
    shop.product("MUG")
    erp, vat = whoever(shop), vat_of(shop)
    member = Party(company=f"Group {own(shop)}", vat_id=vat, company_id="31333532", street="A 1", country="SK")
    first, _ = invoiced(erp, shop.build(erp, "i1", order_of(shop, 1, member)))
    other = Party(company=f"Group B {own(shop)}", vat_id=vat, company_id="35757442", street="B 1", country="SK")
    with pytest.raises(Refused, match="VAT group") as refused:
        shop.build(erp, "i2", order_of(shop, 2, other))
    assert (refused.value.reason, refused.value.owner) == (Reason.CUSTOMER_AMBIGUOUS, "accountant")
    shop.act(lambda seed: seed.admin.make(
        "res.partner", name=other.company, is_company=True, vat=vat, company_registry="35757442",
    ))  # fmt: skip
    assert invoiced(erp, shop.build(erp, "i2", order_of(shop, 2, other)))[0]["name"] == other.company
    assert invoiced(erp, shop.build(erp, "i3", order_of(shop, 3, member)))[0]["id"] == first["id"]
    forget(shop, vat)


def forget(shop: Shop, vat: str) -> None:
    """Contacts with this VAT id are of no other case."""

    def archive(seed: Seed) -> None:
        rows = seed.admin.find("res.partner", [("vat", "=", vat)], ["id"])
        seed.admin.call("res.partner", "write", [row["id"] for row in rows], {"vat": False})
        seed.admin.call("res.partner", "write", [row["id"] for row in rows], {"active": False})

    shop.act(archive)


def updated(shop: Shop) -> None:
    """A company's contact that 0.1.0 made is found by the external id of that version: an update doubles nobody."""
    shop.product("MUG")
    erp = whoever(shop)
    firm = Party(
        name="Old Buyer", company=f"Old {own(shop)} s.r.o.", company_id=f"9{some_number(shop):06}",
        email=f"old.{own(shop)}@example.com", street="Old 1", city="Nitra", postcode="94901", country="SK",
    )  # fmt: skip
    assert firm.email
    earlier = contact_id("BUYER", [firm.email, "old buyer", "old 1", "nitra", "94901", "sk"])

    def made_by_0_1_0(seed: Seed) -> None:
        values = {"name": "Old Buyer", "is_company": True, "email": firm.email, "street": "Old 1", "zip": "94901"}
        partner = seed.admin.make("res.partner", **values)
        name = earlier.removeprefix(f"{MODULE}.")
        row = {"module": MODULE, "name": name, "model": "res.partner", "res_id": partner}
        seed.admin.call("ir.model.data", "create", [row])

    shop.act(made_by_0_1_0)
    there, _ = invoiced(erp, shop.build(erp, "i1", order_of(shop, 1, firm)))
    assert (there["name"], there["company_registry"]) == ("Old Buyer", False)
    assert invoiced(erp, shop.build(erp, "i2", order_of(shop, 2, firm)))[0]["id"] == there["id"]


def vat_invalid(shop: Shop) -> None:
    """A VAT id that Odoo refuses holds an order before its stock is reserved, and only where the tax depends on it;
    elsewhere the invoice is made without it, which the document states."""
    shop.needs("base_vat")
    shop.product("MUG", 5)
    vat = vat_of(shop)
    bad = f"SK{int(vat[2:]) + 1}"
    wrong = Party(name="Eva", company=f"Wrong {own(shop)}", vat_id=bad, street="Biz 1", city="Nitra", country="SK")
    right = Party(company=f"Right {own(shop)}", vat_id=vat, street="Biz 2", country="SK")
    erp = by_vat_id(shop)
    asked = {"a1": order_of(shop, 1, wrong), "a2": order_of(shop, 2, right)}
    with pytest.raises(Refused, match=rf"{bad}.*FO-.*--without-vat") as held:
        shop.reserve(erp, "a1", asked["a1"])
    assert (held.value.reason, held.value.owner) == (Reason.VAT_ID_INVALID, "accountant")
    assert shop.counted(erp, "MUG") == (5, 0)
    assert isinstance(shop.reserve(erp, "a2", asked["a2"]), Reserved)
    with pytest.raises(Refused, match=bad) as held:
        shop.build(shop.connector(taxes=[rule.model_dump() for rule in erp.settings.taxes]), "i1", asked["a1"])
    assert held.value.reason == Reason.VAT_ID_INVALID
    partner, rates = invoiced(erp, shop.build(erp, "i2", asked["a2"]))
    assert (partner["vat"], rates) == (vat, {5})
    same = whoever(shop)
    assert isinstance(shop.reserve(same, "a3", order_of(shop, 3, wrong)), Reserved)
    built = shop.build(same, "i3", order_of(shop, 3, wrong))
    partner, rates = invoiced(same, built)
    assert (partner["name"], partner["vat"], rates) == (wrong.company, False, {23})
    assert built.total_incl_tax == D("14.99")
    note = [("move_id", "in", ids(built.reference)), ("display_type", "=", "line_note")]
    (line,) = same._odoo.find("account.move.line", note, ["name"])
    assert line["name"] == f"VAT id {bad} is not valid in Odoo; this document is issued without it."
    assert shop.issue(same, "i3", built, order_of(shop, 3, wrong)).total_incl_tax == D("14.99")
    forget(shop, vat)


BUYERS = {case.__name__: case for case in (placeholders, companies, vat_groups, updated, vat_invalid)}
