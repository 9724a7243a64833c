"""The places of each field in ShipperOne's responses: its usual names, in the order in which they are tried.

The response schemas are not public, so every reasonable name is accepted. A tenant can name the place under
`[tenants.NAME.fields]`; the field is then looked for only there. Names whose meaning differs from shop to shop are left
out on purpose: `price`, `row_total` and `shipping_amount` are without tax in Magento, `qty_ordered` is not the shipped
quantity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

ORDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "order_id": ("order_id", "increment_id", "id", "fulfillment_order_id", "entity_id"),
        "warehouse_code": ("warehouse_code", "warehouse", "source_code", "location_code", "warehouse.code"),
        "items": ("items", "order_items", "lines", "line_items", "products"),
        "currency": ("currency", "currency_code", "order_currency_code", "order_currency", "totals.currency"),
        "shipping_amount_incl_tax": (
            "shipping_amount_incl_tax",
            "shipping_incl_tax",
            "shipping_price_incl_tax",
            "shipping_cost_incl_tax",
            "shipping_total_incl_tax",
            "totals.shipping_amount_incl_tax",
            "totals.shipping_incl_tax",
            "totals.shipping.incl_tax",
            "shipping.amount_incl_tax",
            "extension_attributes.shipping_assignments.0.shipping.total.shipping_incl_tax",
        ),
        "total_incl_tax": (
            "total_incl_tax",
            "grand_total",
            "grand_total_incl_tax",
            "order_total_incl_tax",
            "totals.total_incl_tax",
            "totals.grand_total",
        ),
        "order_number": (
            "order_number",
            "order_increment_id",
            "external_order_number",
            "external_order_id",
            "increment_id",
        ),
        "payment_method": ("payment_method", "payment_method_code", "payment_code", "payment", "payment.method"),
        "payment_reference": (
            "payment_reference",
            "variable_symbol",
            "transaction_id",
            "payment.reference",
            "payment.transaction_id",
            "payment.last_trans_id",
        ),
        "ordered_at": ("ordered_at", "order_created_at", "order_date", "placed_at", "purchased_at", "created_at"),
        "shipped_at": ("shipped_at", "shipped_on", "shipped_date", "dispatched_at"),
    }
)

ITEM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "item_id": ("id", "item_id"),
        "sku": ("sku", "product_sku", "item_sku", "product.sku"),
        "name": ("name", "product_name", "item_name", "title", "product.name"),
        "qty": ("qty", "quantity"),
        "warehouse_code": ORDER["warehouse_code"],
        "price_incl_tax": (
            "price_incl_tax",
            "unit_price_incl_tax",
            "price_including_tax",
            "price_gross",
            "gross_price",
        ),
        "row_total_incl_tax": (
            "row_total_incl_tax",
            "row_total_including_tax",
            "line_total_incl_tax",
            "total_incl_tax",
            "row_total_gross",
        ),
        "tax_percent": ("tax_percent", "tax_percentage", "tax_rate", "vat_percent", "vat_rate"),
        "discount": ("discount", "discount_amount", "discount_incl_tax", "discount_amount_incl_tax"),
        "parent_item_id": ("parent_item_id", "parent_id"),
        "item_type": ("item_type", "product_type", "type", "type_id"),
    }
)

PARTY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("name", "full_name", "fullname"),
        "company": ("company", "company_name", "organization", "organisation"),
        "vat_id": ("vat_id", "vat_number", "vat", "taxvat", "tax_vat", "ic_dph"),
        "company_id": ("company_id", "company_number", "registration_number", "ico"),
        "email": ("email", "email_address", "e_mail"),
        "phone": ("phone", "telephone", "phone_number", "mobile"),
        "street": ("street", "street_lines", "address_lines", "street_address", "address", "address_line"),
        "city": ("city", "town", "locality"),
        "region": ("region", "region_name", "state", "province", "county", "region.region", "region.name"),
        "postcode": ("postcode", "postal_code", "zip", "zip_code", "zipcode"),
        "country": ("country_code", "country_id", "country", "country.code", "country.id"),
    }
)

PARTIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customer": ("customer", "buyer"),
        "billing": ("billing_address", "billing", "invoice_address", "bill_to", "addresses.billing"),
        "shipping": (
            "shipping_address",
            "shipping",
            "delivery_address",
            "ship_to",
            "addresses.shipping",
            "shipping.address",
            "extension_attributes.shipping_assignments.0.shipping.address",
        ),
    }
)

IN_PIECES: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "name": (("firstname", "lastname"), ("first_name", "last_name")),
        "street": (
            ("address1", "address2"),
            ("street1", "street2"),
            ("line1", "line2"),
            ("address_line1", "address_line2"),
            ("address_line_1", "address_line_2"),
        ),
    }
)
"""Fields of a party that may come as several keys: these are joined where the whole is not given."""

FIELD_NAMES = frozenset({*ORDER, *ITEM, *(f"{role}.{field}" for role in PARTIES for field in PARTY)})
"""Every name that `[tenants.NAME.fields]` accepts."""

Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field and its places: keys on the object itself, then paths into it. `named`: the tenant names the place."""

    name: str
    keys: tuple[str, ...]
    paths: tuple[Steps, ...]
    named: bool
    setting: str

    @property
    def looked_for(self) -> str:
        """The places, as text for a sentence."""
        return ", ".join([*self.keys, *(".".join(path) for path in self.paths)])


@dataclass(frozen=True, slots=True)
class Group:
    """A party's fields that are looked for on one object, and those that may come there in several pieces."""

    fields: Mapping[str, Field]
    pieces: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A party of the order: the place of its object, its fields inside it, and its fields on the order itself.

    An object is taken for the party only if it has one of `marks`: `shipping` may be an address, or a courier's offer.
    """

    place: Field
    marks: frozenset[str]
    inside: Group
    on_order: Group


def order_field(name: str, fields: Mapping[str, str]) -> Field:
    """The places of that field of an order; `fields` is the tenant's table, as in `Places`."""
    return _field(name, ORDER[name], fields)


class Places:
    """All fields of a tenant with their places. `fields` is its table of that name; every value is a key or a path.

    `of` shares them among all tenants with the same table. ValueError for a name that is not in `FIELD_NAMES`, or an
    empty path.
    """

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Places":
        """The places by this table: some ninety kilobytes, which most tenants have in common."""
        return _shared(tuple(sorted(fields.items())))

    def __init__(self, fields: Mapping[str, str]) -> None:
        for name, path in fields.items():
            if name not in FIELD_NAMES:
                raise ValueError(f"fields.{name}: there is no field of that name")
            if not all(path.split(".")):
                raise ValueError(f"fields.{name}: {path!r} is not a key or a path such as totals.shipping.0.amount")
        self._fields = fields
        self.order = {name: _field(name, usual, fields) for name, usual in ORDER.items()}
        self.item = {name: _field(name, usual, fields) for name, usual in ITEM.items()}
        # An item's own warehouse means a transfer. It must be found even if the order's warehouse has another place.
        elsewhere = fields.get("warehouse_code")
        self.item["warehouse_code"] = _at(
            "warehouse_code", [*([elsewhere] if elsewhere else []), *ITEM["warehouse_code"]]
        )
        self.parties = {role: self._role(role) for role in PARTIES}

    def _role(self, role: str) -> Role:
        own = self._fields
        named = {field: _field(f"{role}.{field}", (), own) for field in PARTY if f"{role}.{field}" in own}
        # Magento flattens the customer, and only the customer, into the order: customer_email, customer_taxvat
        prefix = "customer_" if role == "customer" else None
        return Role(
            place=_at(role, PARTIES[role]),
            marks=_heads(PARTY if role == "customer" else ("city", "postcode", "country")),
            inside=self._group(role, PARTY, named, ""),
            on_order=self._group(role, PARTY if prefix else {}, named, prefix or "", also=named),
        )

    def _group(
        self,
        role: str,
        usual: Mapping[str, tuple[str, ...]],
        named: Mapping[str, Field],
        prefix: str,
        also: Mapping[str, Field] = MappingProxyType({}),
    ) -> Group:
        fields = {
            field: _at(f"{role}.{field}", [prefix + place for place in places])
            for field, places in usual.items()
            if field not in named
        }
        pieces = tuple(
            (field, tuple(prefix + key for key in keys))
            for field, ways in IN_PIECES.items()
            if field in fields
            for keys in ways
        )
        return Group({**fields, **also}, pieces)


@lru_cache(maxsize=256)
def _shared(fields: tuple[tuple[str, str], ...]) -> Places:
    return Places(dict(fields))


def _field(name: str, usual: Iterable[str], fields: Mapping[str, str]) -> Field:
    """The one place that the tenant has named, else the usual ones."""
    named = name in fields
    return _at(name, [fields[name]] if named else usual, named=named)


def _at(name: str, places: Iterable[str], *, named: bool = False) -> Field:
    steps = [tuple(place.split(".")) for place in places]
    return Field(
        name=name,
        keys=tuple(step[0] for step in steps if len(step) == 1),
        paths=tuple(step for step in steps if len(step) > 1),
        named=named,
        setting=f'[tenants.NAME.fields] {name} = "…"',
    )


def _heads(fields: Iterable[str]) -> frozenset[str]:
    whole = {place.split(".")[0] for field in fields for place in PARTY[field]}
    return frozenset(whole.union(*(keys for field in fields for keys in IN_PIECES.get(field, ()))))
