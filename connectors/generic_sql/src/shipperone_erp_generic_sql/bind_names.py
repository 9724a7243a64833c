"""The binds that a statement may name, by its step and its `each`, and the replacement for one that it may not."""

import difflib
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean
from sqlalchemy.types import TypeEngine

from shipperone_erp_generic_sql.binds import ANYWHERE, ORDER_BINDS, PARAM, Bind
from shipperone_erp_generic_sql.element_binds import BINDS_OF, ELEMENT_BINDS, ElementBind
from shipperone_erp_generic_sql.exact_values import Amount, Day, Text
from shipperone_erp_generic_sql.hook_call import Param
from shipperone_erp_generic_sql.mapping_tables import MAP, table_of
from shipperone_erp_generic_sql.statement import CaptureType, Each

_TEXT, _NUMBER, _AMOUNT = Text(), BigInteger(), Amount()

_WITHOUT_AN_ORDER = frozenset({"tenant", "now_utc", "today", "since"})

CAPTURE_TYPES: Mapping[CaptureType, TypeEngine[Any]] = {
    "integer": _NUMBER, "decimal": _AMOUNT, "text": _TEXT, "date": Day(),
}  # fmt: skip
"""The SQL types of captured values."""


def type_of(name: str, params: Mapping[str, Param], captured: Mapping[str, CaptureType]) -> TypeEngine[Any]:
    """The bind's SQL type: of a `param_…` by its value, of a captured one as declared, of one in `[binds]` text."""
    if name.startswith(PARAM):
        value = params.get(name.removeprefix(PARAM))
        return Boolean() if isinstance(value, bool) else _NUMBER if isinstance(value, int) else _TEXT
    bind = ORDER_BINDS.get(name) or ELEMENT_BINDS.get(name)
    return bind.type if bind else CAPTURE_TYPES[captured[name]] if name in captured else _TEXT


@cache  # asked for each bind of each statement: most of what it costs to check a configuration
def known(step: str, each: Each | None) -> frozenset[str]:
    """The binds of a statement of that step with that `each`, without the merchant's own."""
    if step in ANYWHERE:
        return _WITHOUT_AN_ORDER
    binds: Mapping[str, Bind | ElementBind] = {**ORDER_BINDS, **(BINDS_OF[each] if each else {})}
    return frozenset(name for name, bind in binds.items() if bind.steps is None or step in bind.steps)


def problem_with(name: str, step: str, each: Each | None, own: Collection[str] | None) -> str | None:
    """The reason why this bind is not allowed in a statement of this step, as a clause of a sentence; None if it is.

    `own`: the merchant's binds, including `param_…` and captured ones. None if they could not be read; then a bind that
    may be among them is not judged.
    """
    here = known(step, each)
    if name in here or name in (own or ()) or own is None:
        return None
    if name.startswith(MAP):
        return _problem_with_map(name, step, each, own)
    for kind in BINDS_OF:
        if step not in ANYWHERE and name in known(step, kind):
            return f':{name} is of one {kind if kind != "tax" else "tax rate"}: add each = "{kind}"'
    if name in ORDER_BINDS or name in ELEMENT_BINDS:
        return f":{name} is not available in this step"
    could = here | set(own) | (frozenset() if step in ANYWHERE else known(step, each or "item"))
    near = difflib.get_close_matches(name, sorted(could), n=1)
    return f"unknown bind :{name}" + (f", did you mean :{near[0]}?" if near else "")


def can_be_mapped(bind: str) -> bool:
    """Whether a mapping table can apply to that bind's values: texts and rates only."""
    found = ORDER_BINDS.get(bind) or ELEMENT_BINDS.get(bind)
    return found is not None and (isinstance(found.type, Text) or bind in ("tax_percent", "tax_rate"))


def _problem_with_map(name: str, step: str, each: Each | None, own: Collection[str]) -> str | None:
    bind = name.removeprefix(MAP)
    if f"[maps.{table_of(bind)}]" not in own:
        return f"no table for :{name}: write [maps.{table_of(bind)}], or a CSV file of two columns"
    problem = problem_with(bind, step, each, own)
    return problem and problem.replace(f":{bind}", f":{name}")
