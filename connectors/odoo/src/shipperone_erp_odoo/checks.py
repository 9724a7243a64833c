"""The checks of `doctor` for a tenant's Odoo, each with its cure. Reads only, and never raises."""

from collections.abc import Callable, Iterator, Sequence

from shipperone_erp import AuthFailed, Check, ConnectorError, Refused
from shipperone_erp_odoo import left_quotations, rights, stock, units_of_measure
from shipperone_erp_odoo.invoicing_checks import invoicing
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.products import duplicates, products
from shipperone_erp_odoo.warehouses import Company, Site, me, own_company, sites

PROVEN = (17, 18, 19)
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

REPORTING = frozenset(
    ("AR", "BR", "CL", "CO", "DK", "EG", "ES", "GR", "HR", "HU", "ID", "IN", "IT", "JO", "KE", "MX", "MY", "PE", "PL",
     "PT", "RO", "RS", "SA", "TR", "UY", "VN")
)  # fmt: skip
"""Countries for which Odoo has a module that reports invoices to an authority, or sends them through one."""

Checks = Iterator[Check]


def checks(odoo: Odoo) -> list[Check]:
    """Every check, each after those that it depends on; without a login there are no further checks."""
    found: list[Check] = []
    for name, check in BEFORE_LOGIN.items():
        found += _guarded(name, check, odoo)
        if any(line.ok is False for line in found):
            return found
    for name, check in AFTER_LOGIN.items():
        found += _guarded(name, check, odoo)
    return found


def _guarded(name: str, check: Callable[[Odoo], Checks], odoo: Odoo) -> list[Check]:
    """The lines of the check, or the error that stopped it."""
    found = []
    try:
        for line in check(odoo):
            found.append(line)
    except AuthFailed as error:
        found.append(Check(name, False, error.sentence, "check `database`, `user` and the key in the tenant's table"))
    except Refused as error:
        found.append(Check(name, False, error.sentence, "follow the message: it names the setting, here or in Odoo"))
    except ConnectorError as error:
        found.append(Check(name, False, error.sentence, "check `url`, and that Odoo runs and is reachable from here"))
    except Exception as error:  # a check never raises: unforeseen errors are reported as lines too
        found.append(
            Check(
                name, False, f"it could not be checked: {type(error).__name__}", "report it to the connector's author"
            )
        )
    return found


def _server(odoo: Odoo) -> Checks:
    version, protocol = odoo.version, odoo.protocol
    sentence = f"Odoo {version} over {PROTOCOLS[protocol]}"
    if odoo.settings.url.startswith("http:") and odoo.settings.host.rsplit(":", 1)[0] not in LOOPBACK:
        yield Check("address", None, f"{odoo.settings.url} is not encrypted: the key can be read in transit", "https")
    if version not in PROVEN:
        yield Check("version", None, f"{sentence}: not a tested version", "test it on a copy first")
    elif protocol == "xmlrpc":
        yield Check(
            "version", None, f"{sentence}: its errors have no type names", 'leave out `protocol`: "auto" is better'
        )
    elif protocol == "jsonrpc" and version >= 19:
        cure = "set an api_key: JSON-2 is used then, which stays supported"
        yield Check("version", None, f"{sentence}, which Odoo will remove", cure)
    else:
        yield Check("version", True, sentence)


def _login(odoo: Odoo) -> Checks:
    user = me(odoo)
    yield Check("login", True, f"{user['login']} in database {odoo.settings.database}")
    if not user["email"]:
        cure = "give the user an e-mail address in Odoo"
        sentence = "the user has no e-mail address: merging lines fails on Odoo 17 and 18"
        yield Check("e-mail", odoo.version >= 19 or None, sentence, cure)
    yield from rights.key_expiry(odoo)


def _company(odoo: Odoo) -> Checks:
    at = own_company(odoo)
    yield Check("company", True, f"{at.name} ({at.country or 'no country'})")
    yield Check("currency", True, f"{at.name} keeps its books in {at.currency}")
    e_invoice = odoo.settings.e_invoice
    if at.country in REPORTING and e_invoice is None:
        cure = 'e_invoice = "by_odoo" if Odoo\'s module for it is set up, else "not_required"'
        sentence = (
            f"invoices of {at.country} must be reported to an authority, and no reporting is configured: posting "
            "does not report them"
        )
        yield Check("e-invoicing", False, sentence, cure)


def _warehouses(odoo: Odoo) -> Checks:
    if not odoo.settings.warehouses:
        sentence = "no warehouses are mapped: ShipperOne's codes must equal the short names in Odoo"
        yield Check("warehouses", None, sentence, 'map each: [tenants.NAME.odoo.warehouses."CODE"]')
    for code, site in sites(odoo, list(odoo.settings.warehouses) or _short_names(odoo)).items():
        if isinstance(site, Refused):
            yield Check("warehouses", False, site.sentence, "check the code and the company of this warehouse")
            continue
        yield Check("warehouses", True, f"{code} is {site.name} of {site.company.name}")
        if odoo.settings.documents == "sale_order" and not site.one_step:
            sentence = f"{code} delivers in several steps, which is not supported with sales orders"
            yield Check("sales orders", False, sentence, "set the warehouse's outgoing shipments to one step")
        if odoo.settings.documents == "picking" and not odoo.settings.one_step and not site.one_step:
            sentence = (
                f"{code} ships in several steps in Odoo, but its deliveries would be one step, directly from stock"
            )
            cure = "set the warehouse's outgoing shipments to one step, or `one_step = true` if that is intended"
            yield Check("warehouses", False, sentence, cure)
        yield from _operations(odoo, site)
        yield from _counts(odoo, site)


def _short_names(odoo: Odoo) -> list[str]:
    """The short name of every warehouse of the company, each of which may be one of ShipperOne's."""
    at = own_company(odoo)
    rows = odoo.find("stock.warehouse", [("company_id", "=", at.id)], ["code"], company=at.id, order="sequence, id")
    return [str(row["code"]) for row in rows]


def _operations(odoo: Odoo, site: Site) -> Checks:
    (row,) = odoo.find(
        "stock.picking.type", [("id", "=", site.deliveries)], ["name", "reservation_method", "create_backorder"],
        company=site.company.id,
    )  # fmt: skip
    if row["create_backorder"] == "never":
        sentence = f"{row['name']} of {site.code} never makes backorders: a part delivery would cancel the rest"
        yield Check("backorders", False, sentence, "set the operation type's Create Backorder to Ask or Always")
    if row["reservation_method"] != "at_confirm":
        sentence = (
            f"{row['name']} of {site.code} reserves {row['reservation_method']}: the connector requests reservations "
            "at once"
        )
        yield Check("reservation", None, sentence, "set its reservation method to At Confirmation")


def _counts(odoo: Odoo, site: Site) -> Checks:
    domain = [("location_id", "child_of", site.stock), ("reserved_quantity", ">", 0)]
    rows = odoo.find("stock.quant", domain, ["product_id"], company=site.company.id)
    names = {int(row["product_id"][0]): str(row["product_id"][1]) for row in rows}
    counted = stock.counts(odoo, [(site.stock, product) for product in names], site.company.id)
    over = [f"{names[product]} by {count.over:f}" for (_, product), count in counted.items() if count.over]
    if over:
        sentence = f"more is reserved in {site.code} than is in stock: {', '.join(over[:5])}"
        yield Check(
            "over-reserved",
            None,
            sentence,
            "open Inventory > Physical Inventory in Odoo, which corrects the quantities",
        )


def _catalogue(odoo: Odoo) -> Checks:
    at = own_company(odoo)
    twice = duplicates(odoo, at.id)
    if twice:
        sentence = f"{len(twice)} SKU(s) belong to several products: {', '.join(twice[:5])}"
        yield Check("products", None, sentence, "leave each SKU on one product: orders with them are held")
    settings = odoo.settings
    wanted = [*([settings.shipping_product] if settings.shipping_product else []), *settings.charges.values()]
    for sku, product in products(odoo, wanted, at.id).items():
        ok = not isinstance(product, Refused)
        yield Check("products", ok, f"{sku} exists" if ok else str(product), None if ok else "create it in Odoo")
    yield from units_of_measure.check_names(odoo)
    if settings.documents == "sale_order":
        yield from _services_on_order(odoo, wanted, at)
    yield from left_quotations.check(odoo, at)
    if settings.shipping_product is None:
        cure = "create a service in Odoo and set its SKU as `shipping_product`"
        yield Check("products", False, "no shipping_product: an order with a shipping amount cannot be invoiced", cure)


def _services_on_order(odoo: Odoo, skus: Sequence[str], at: Company) -> Checks:
    """Services invoiced by delivered quantity: they are never delivered, so their sales orders would stay open."""
    domain = [(odoo.settings.sku_field, "in", skus), ("invoice_policy", "!=", "order")]
    for row in odoo.find("product.product", domain, ["display_name"], company=at.id):
        sentence = f"{row['display_name']} is invoiced by delivered quantity: its sales orders would never be completed"
        yield Check("sales orders", None, sentence, "set the product's Invoicing Policy to Ordered quantities")


PROTOCOLS = {"json2": "JSON-2", "jsonrpc": "JSON-RPC", "xmlrpc": "XML-RPC"}

BEFORE_LOGIN = {"server": _server, "login": _login, "company": _company}
AFTER_LOGIN = {
    "rights": rights.missing,
    "warehouses": _warehouses,
    "products": _catalogue,
    "invoicing": invoicing,
}
