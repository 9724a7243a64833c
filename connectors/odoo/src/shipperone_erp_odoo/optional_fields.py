"""Fields that exist only in some versions of Odoo, or with some module.

Odoo lists the fields of one model a call. Most of these fields come with a version or a module that also
adds a field to `stock.move`, so that one call about that model answers for all of them.
"""

FIELDS = {
    "stock.move": ("name", "is_storable", "bom_line_id", "sale_line_id", "use_expiration_date"),
    "stock.picking": ("carrier_tracking_ref",),
    "account.payment": ("memo",),
    "account.move.line": ("sale_line_ids",),
    "account.move": ("taxable_supply_date", "team_id"),
    "res.users.apikeys": ("expiration_date",),
}
"""The fields that are asked for, by model."""

SHOWN_BY = {
    ("product.product", "is_storable"): "is_storable",
    ("product.product", "is_kits"): "bom_line_id",
    ("product.product", "use_expiration_date"): "use_expiration_date",
    ("stock.quant", "expiration_date"): "use_expiration_date",
    ("stock.quant", "removal_date"): "use_expiration_date",
    ("stock.picking", "sale_id"): "sale_line_id",
}
"""Fields of other models, each with the field of `stock.move` from the same module or since the same version."""

EXCEPTIONS_SINCE = ("stock.move", "is_storable")
"""Since 18, when this field came, a company's lock dates have twins with the user's exceptions."""

UNNAMED_SINCE = ("stock.move", "name")
"""Up to 18 a move has this field; since 19 it has none."""
