"""The values of a call for the binds of a statement. A value that a column cannot store exactly is refused, never cut.

The reader of a bind is found once and reused, since statements run for every item of every order.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from shipperone_erp import Reason, Refused
from shipperone_erp_generic_sql.binds import ORDER_BINDS, PARAM
from shipperone_erp_generic_sql.element_binds import ELEMENT_BINDS, MICRO
from shipperone_erp_generic_sql.exact_values import within
from shipperone_erp_generic_sql.hook_call import Call, Element
from shipperone_erp_generic_sql.mapping_tables import MAP, looked_up

Read = Callable[[Call, Element | None], Any]
"""Reads a bind's value from a call, or from the given element for a bind of an item, a charge or a tax rate."""


@dataclass(frozen=True, slots=True)
class Places:
    """The number of decimal places of the merchant's columns. A value with more is refused, never rounded."""

    amounts: int = 6
    quantities: int = 6


def values(names: Iterable[str], call: Call, element: Element | None, places: Places) -> dict[str, Any]:
    """The values of these binds in this call, for this element. `Refused` if one cannot be stored exactly."""
    return {name: reader(name, call.paths.get(name), places)(call, element) for name in names}


@cache
def reader(name: str, path: str | None, places: Places) -> Read:
    """The reader of that bind. `path`: for a bind that the merchant defined, the place of its value in the order."""
    if name.startswith(PARAM):
        param = name.removeprefix(PARAM)
        return lambda call, element: call.params[param]
    if path is not None:
        return lambda call, element: _storable(call.at(path), name, places)
    if name.startswith(MAP):
        bind = name.removeprefix(MAP)
        mapped = reader(bind, None, places)
        return lambda call, element: looked_up(call.maps, bind, mapped(call, element))
    if name in ORDER_BINDS:
        of_order = _of(ORDER_BINDS, name, places)
        return lambda call, element: of_order(call)
    if name not in ELEMENT_BINDS:
        return lambda call, element: call.captured.get(name)
    of_element = _of(ELEMENT_BINDS, name, places)
    return lambda call, element: None if element is None else of_element(element)


def _of(binds: Mapping[str, Any], name: str, places: Places) -> Callable[[Any], Any]:
    of = binds[name].of
    if not name.endswith(MICRO):
        return lambda source: _storable(of(source), name, places)
    whole = name.removesuffix(MICRO)
    amount = binds[whole].of

    def in_millionths(source: Any) -> Any:
        _storable(amount(source), whole, places)  # it must also fit the decimal places of the ERP
        return of(source)

    return in_millionths


def _storable(value: Any, name: str, places: Places) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused(
                Reason.ORDER_UNREADABLE,
                f"{name} contains half a character (a lone surrogate), which no database can store",
            ) from None
    elif isinstance(value, Decimal):
        return within(value, places.quantities if name == "qty" else places.amounts, name)
    return value
