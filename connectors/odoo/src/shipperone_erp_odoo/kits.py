"""Kits (phantom bills of materials): Odoo counts only their components, so the stock of these is queried.

An order line of a kit is invoiced as the named kit.
"""

from collections.abc import Sequence
from decimal import Decimal

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row, named, one
from shipperone_erp_odoo.products import Product, by_id

Parts = tuple[tuple[Product, Decimal], ...]
"""Products in their own units, with the quantity of each."""

DEEPEST = 5
"""The largest depth of nested kits; more means a bill of materials that contains itself."""


def parts(odoo: Odoo, product: Product, quantity: Decimal, company: int) -> Parts:
    """The stocked products for a quantity of the product: itself, or the components of a kit.

    `Refused`, kit_incomplete, if these are not known exactly.
    """
    if not product.kit:
        return ((product, quantity),)
    one_kit = odoo.kept(("kit", product.id, company), lambda: _components(odoo, product, company, DEEPEST))
    return tuple((component, amount * quantity) for component, amount in one_kit)


def _components(odoo: Odoo, kit: Product, company: int, depth: int) -> Parts:
    bill = _bill(odoo, kit, company)
    if not depth or not bill["bom_line_ids"]:
        raise _refusal(kit, "its bill of materials has no components, or contains itself")
    if one(bill["product_uom_id"]) != kit.unit:
        raise _refusal(
            kit,
            f"the unit of its bill of materials is {named(bill['product_uom_id'])}, but the kit's is {kit.unit_name}",
        )
    rows = odoo.find(
        "mrp.bom.line", [("bom_id", "=", bill["id"])],
        ["product_id", "product_qty", "product_uom_id", "bom_product_template_attribute_value_ids"],
        company=company, order="id",
    )  # fmt: skip
    components = by_id(odoo, [one(row["product_id"]) or 0 for row in rows], company)
    found: dict[Product, Decimal] = {}
    for row in rows:
        component = components.get(one(row["product_id"]) or 0)
        if component is None or row["bom_product_template_attribute_value_ids"]:
            raise _refusal(kit, f"{named(row['product_id'])} is not in every one of it, or belongs to another company")
        if one(row["product_uom_id"]) != component.unit:
            sentence = (
                f"{component.name} is listed in {named(row['product_uom_id'])} and counted in {component.unit_name}"
            )
            raise _refusal(kit, sentence)
        amount = Decimal(str(row["product_qty"])) / Decimal(str(bill["product_qty"]))
        if component.kit:
            for inner, quantity in _components(odoo, component, company, depth - 1):
                found[inner] = found.get(inner, Decimal(0)) + quantity * amount
        elif not component.service:
            found[component] = found.get(component, Decimal(0)) + amount
    if not found:
        raise _refusal(kit, "it consists of services only")
    for component, amount in found.items():
        if amount != amount.quantize(Decimal("0.001")):
            raise _refusal(kit, f"one kit does not need an exact quantity of {component.name}")
    return tuple(found.items())


def _bill(odoo: Odoo, kit: Product, company: int) -> Row:
    """The bill of materials that Odoo itself would use."""
    domain = [
        ("type", "=", "phantom"), ("company_id", "in", [False, company]), "|", ("product_id", "=", kit.id),
        "&", ("product_id", "=", False), ("product_tmpl_id.product_variant_ids", "in", [kit.id]),
    ]  # fmt: skip
    fields = ["product_qty", "product_uom_id", "bom_line_ids"]
    rows: Sequence[Row] = odoo.find(
        "mrp.bom", domain, fields, company=company, order="sequence, product_id, id", limit=1
    )
    if not rows:
        raise _refusal(kit, "the user lacks the right to read its bill of materials")
    return rows[0]


def _refusal(kit: Product, why: str) -> Refused:
    sentence = (
        f'"{kit.sku}" is a kit in Odoo whose components cannot be determined: {why}; correct it there, or have '
        "ShipperOne "
        'list the components (`bundles = "children"`)'
    )
    return Refused(Reason.KIT_INCOMPLETE, sentence, Owner.WAREHOUSE)
