"""The values that a capture keeps unchanged. Every other text is masked, at any place. Pure.

by their place   fields that contain nothing personal: ids, SKUs, quantities, amounts, dates of the order, currency,
country, warehouse, types of items and payments; and the fields that the command names
by their form    amounts, small numbers, dates of these years, codes of currencies, `true` and `false`
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.field_places import PARTY
from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.kernel.json_values import exact
from shipperone_erp.operations.inspect.structure_search import ITEM_TYPES
from shipperone_erp.operations.inspect.vocabulary import rank, speaks_of, words

CURRENCIES = frozenset(
    "EUR USD GBP CZK PLN HUF RON BGN SEK NOK DKK CHF ISK HRK RSD UAH TRY JPY KWD BHD CNY CAD AUD NZD".split()  # noqa: SIM905
)
MONEY = (
    "price total subtotal sum amount grand row discount ship fee charge celkem spolu cena cen preis gesamt betrag "
    "summe rabat sleva zlav doprav versand freight base"
)
NEVER_MONEY = "birth dob born narod geburt phone tel telefon mobil fax iban account ucet konto password pin"
NAMES_PEOPLE = (
    "ico dic vat taxvat nip bic card passport variable vs email mail address adres street ulic city mest zip psc plz "
    "postcode"
)
AMOUNT = re.compile(r"-?(0|[1-9]\d{0,6})\.\d{1,4}")
WORD = re.compile(r"[a-z][a-z_]{1,30}")
YEARS_BACK, YEARS_ON = 3, 2

Stays = Callable[[Any], bool]


def exact_number(value: Any) -> bool:
    """Whether it is a number, or the text of one."""
    return not isinstance(value, float) and exact(value) is not None


def date_of_an_order(value: Any) -> bool:
    """Whether it is a date of these years: dates of birth are earlier."""
    read = read_date(value, Zones()) if isinstance(value, str | int | Decimal) else None
    if read is None or isinstance(read, NotADate):
        return False
    now = datetime.now(UTC).year
    return now - YEARS_BACK <= read.year <= now + YEARS_ON


def _matches(pattern: re.Pattern[str]) -> Stays:
    return lambda value: bool(pattern.fullmatch(str(value)))


def _identifier(value: Any) -> bool:
    return len(str(value)) <= 64 and "@" not in str(value)


BY_FIELD: Mapping[str, Stays] = {
    "order_id": _identifier,
    "order_number": _identifier,
    "item_id": _identifier,
    "parent_item_id": _identifier,
    "sku": _identifier,
    "warehouse_code": _identifier,
    "qty": exact_number,
    "price_incl_tax": exact_number,
    "row_total_incl_tax": exact_number,
    "tax_percent": exact_number,
    "discount": exact_number,
    "shipping_amount_incl_tax": exact_number,
    "total_incl_tax": exact_number,
    "currency": lambda value: str(value).upper() in CURRENCIES,
    "ordered_at": date_of_an_order,
    "shipped_at": date_of_an_order,
    "item_type": _matches(WORD),
    "payment_method": _matches(WORD),
    **{f"{role}.country": lambda value: bool(re.fullmatch(r"[A-Za-z]{2,3}", str(value))) for role in
       ("customer", "billing", "shipping")},
}  # fmt: skip
"""By field, whether a value is kept. Fields missing here are masked: names, addresses, references of payments."""

IDS = frozenset({"order_id", "order_number", "item_id", "parent_item_id"})
SKUS = frozenset({"sku"})


def stays_by_form(path: str, value: Any, *, of_a_person: bool) -> bool:
    """Whether the form of a value shows that it is not personal. Inside a person's object hardly any value is kept."""
    if isinstance(value, bool) or value is None:
        return True
    text = str(value).strip()
    if not text or text.lower() in ("true", "false", "yes", "no", "null"):
        return True
    if of_a_person or speaks_of(path, NEVER_MONEY):
        return False
    if AMOUNT.fullmatch(text) or re.fullmatch(r"-?\d{1,3}", text):
        return True
    if speaks_of(path, NAMES_PEOPLE):
        return False
    if isinstance(value, str):
        if text.upper() in CURRENCIES or text.lower() in ITEM_TYPES:
            return True
        return bool(re.match(r"\d{4}-\d{2}-\d{2}(?!\d)", text)) and date_of_an_order(text)
    return _number_stays(path, value)


def _number_stays(path: str, value: Any) -> bool:
    if isinstance(value, Decimal) and value != value.to_integral_value():
        return abs(value) < 10**7
    if abs(value) < 10**5:
        return True
    money = speaks_of(path, MONEY) and not speaks_of(path, "id number cislo nummer numer code kod ref")
    return bool(money) and abs(value) < 10**8


def looks_like_a_person(value: Mapping[str, Any], path: str) -> bool:
    """Whether an object is a person or an address: by its own key, or by two of the keys in it."""
    own = path.rsplit(".", 1)[-1]
    if speaks_of(
        own, "customer buyer client zakaznik kunde klient kupuj address adres anschrift contact kontakt person"
    ):
        return True
    named = {
        name
        for key in value
        for name in PARTY
        if name != "region" and words(key) and rank("name_of_party" if name == "name" else name, key) > 1
    }
    return len(named - {"name", "company_id", "country"}) >= 2
