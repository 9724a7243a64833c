"""Every text of the page, in one package: a translation replaces these and nothing else.

A pair is a singular and a plural. Reasons and sentences of single orders come from the ledger, in the language in which
they were recorded.
"""

from collections.abc import Mapping

from shipperone_erp.web.texts.actions import ACTIONS
from shipperone_erp.web.texts.checks import CHECKS
from shipperone_erp.web.texts.frame import FRAME
from shipperone_erp.web.texts.orders import ORDERS

ONE, MANY = 0, 1

TEXTS: Mapping[str, str | tuple[str, str]] = {**FRAME, **ORDERS, **ACTIONS, **CHECKS}


def text(key: str, **values: object) -> str:
    """The text of that key. KeyError if there is none."""
    found = TEXTS[key]
    if isinstance(found, tuple):
        found = found[ONE if values.get("n") == 1 else MANY]
    return found.format(**{name: _shown(value) for name, value in values.items()}) if values else found


def _shown(value: object) -> object:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
