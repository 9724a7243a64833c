"""Words that a key may contain for a field, in several languages: they rank candidates, and prove nothing.

A key is split into words without accents (`Množství-ks`, `qtyShipped` and `price_incl_tax` alike). A stem matches a
word that begins with it.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from shipperone_erp.domain.field_places import ITEM, ORDER, PARTY

STEMS: Mapping[str, str] = MappingProxyType(
    {
        "order_id": "fulfillment fulfilment order objednavk auftrag bestellung commande pedido zamowieni number cislo "
        "nummer numero numer id",
        "warehouse_code": "warehouse wh source location sklad lager magazyn magazin entrepot almacen depot",
        "items": "item line position polozk radk artikel zeile pozycj ligne product produkt",
        "item_id": "item line position polozk id",
        "sku": "sku artikel article articulo kod code codigo reference ref product produkt zbozi tovar indeks catalog",
        "name": "name nazev nazov bezeichnung nazwa nom nombre title description popis",
        "qty": "qty quant menge anzahl mnozstv pocet ilosc cantidad pieces kusy kusov ks count",
        "price_incl_tax": "price preis cena prix precio unit stuck gross brutto dph vat mwst incl s ttc",
        "row_total_incl_tax": "row line total sum celkem spolu gesamt suma wartosc montant importe gross brutto dph "
        "vat mwst incl ttc",
        "tax_percent": "tax vat mwst dph tva iva steuer ptu rate sazba sadzba satz stawka percent procent",
        "discount": "discount rabat sleva zlav remise descuento nachlass",
        "currency": "currency waehrung wahrung mena meny devise moneda waluta",
        "shipping_amount_incl_tax": "ship deliver freight postage versand doprav livraison envio przesylk porto "
        "postovn gross brutto dph vat incl ttc",
        "total_incl_tax": "grand total sum celkem spolu gesamt suma razem totaux amount order brutto gross dph incl",
        "order_number": "increment number cislo nummer numer external shop sales eshop",
        "payment_method": "payment method platb zahlung platnos paiement pago zpusob sposob",
        "payment_reference": "payment reference variable symbol vs transaction verwendungszweck",
        "ordered_at": "order creat purchas plac objedn bestell vytvor zlozen date datum data at",
        "shipped_at": "ship dispatch sent odesl expedov versand versendet geliefert odosl wyslan date datum data at",
        "parent_item_id": "parent rodic nadraz bundle set eltern nadrzed",
        "item_type": "type typ druh art",
        "name_of_party": "name jmeno meno nazwisko nom nombre",
        "company": "company firma firm spolecnost spolocnost unternehmen societe empresa",
        "vat_id": "vat dic ic ust tva nip taxvat",
        "company_id": "ico regon siren registration",
        "email": "email mail",
        "phone": "phone tel telefon mobil",
        "street": "street ulic ulice strass calle rue address adres",
        "city": "city mest town ort stadt miasto ville ciudad",
        "region": "region state province bundesland wojewodztwo",
        "postcode": "postcode postal zip psc plz kod",
        "country": "country stat zeme kraj krajin land pays pais",
    }
)

SHIPPED = "ship sent dispatch deliver fulfil odesl odosl exped versand versend geliefert dodan wyslan enviad expedi"
"""Words for a shipped quantity."""

ORDERED = "order objedn bestell zamow command pedid"
"""Words for an ordered quantity, which is never used as the shipped one."""

BILLING = "bill invoice faktur rechnung fatur"
SHIPPING = "ship deliver doruc dodac liefer livraison envio dostaw"
CUSTOMER = "customer buyer client zakaznik kunde klient kupuj"

PAYMENTS = "gift card credit voucher point reward poukaz gutschein darkov saldo"
"""Words for a means of payment, as opposed to a charge."""

NO_MONEY = "id weight hmotn gewicht count version position store shipment qty quant percent rate"


@lru_cache(maxsize=20_000)
def words(path: str) -> tuple[str, ...]:
    """The words of a path, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", path).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", plain))


def speaks_of(path: str, stems: str) -> int:
    """The number of words of the path that begin with one of the stems; a short stem must match the whole word."""
    wanted = stems.split()
    return sum(
        any(word == stem or (len(stem) > 3 and word.startswith(stem)) for stem in wanted) for word in words(path)
    )


def rank(name: str, path: str) -> int:
    """How well the key at the end of a path, and then the path, match that field; 0: not at all."""
    last = path.rsplit(".", 1)[-1]
    usual = (*ORDER.get(name, ()), *ITEM.get(name, ()), *PARTY.get(name, ()))
    exact = 10 if last in usual or path in usual else 0
    stems = STEMS[name]
    return exact + 2 * speaks_of(last, stems) + speaks_of(path, stems)
