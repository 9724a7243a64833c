"""The contracts of docs/reference/hooks.md, from the docstrings and types of what a connector's author imports."""

import dataclasses
import inspect
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import shipperone_erp
from shipperone_erp import Capability, Connector, ConnectorError, Policy
from shipperone_erp.connector.api import ConnectorSettings, Plugin
from shipperone_erp.connector.capabilities import MEANS, WITHOUT
from shipperone_erp.connector.plugin_checks import hooks_of
from shipperone_erp.domain.hook_answers import Delay
from shipperone_erp.domain.order import Exact, Extra, ItemId

SHORT = {Exact: "Decimal", ItemId: "int | str", Extra: "Mapping", Delay: "seconds or timedelta"}
ORDINARY = ("setup", "free_stock", "check", "rehearse", "identity", "exclusive", "close")


def hooks() -> str:
    """Each hook of a connector, as it is specified."""
    return "\n\n".join(_method(Connector, name) for name in vars(Connector) if name in hooks_of(Connector))


def methods() -> str:
    """What is overridden without `@hookimpl`, and what a connector has from its base."""
    return "\n\n".join(_method(Connector, name) for name in ORDINARY)


def policies() -> str:
    """The hooks of a policy."""
    return "\n\n".join(_method(Policy, name) for name in vars(Policy) if name in hooks_of(Policy))


def values() -> str:
    """Every request, answer and part of an order: what it says of itself, and its fields."""
    exported = [getattr(shipperone_erp, name) for name in shipperone_erp.__all__]
    return "\n\n".join(_value(made) for made in exported if dataclasses.is_dataclass(made) and isinstance(made, type))


def raised() -> list[type[ConnectorError]]:
    """What a connector raises on purpose."""
    exported = [getattr(shipperone_erp, name) for name in shipperone_erp.__all__]
    return [made for made in exported if isinstance(made, type) and issubclass(made, ConnectorError)]


def exceptions() -> str:
    """The section of each of them."""
    return "\n\n".join(f"### `{made.__name__}{_arguments(made)}`\n\n{_doc(made)}" for made in raised())


def public() -> str:
    """Whatever `shipperone_erp` exports is on the page: the names that have no section of their own."""
    others = [Plugin, ConnectorSettings, shipperone_erp.Secret]
    return "\n\n".join(f"### `{made.__name__}`\n\n{_doc(made)}" for made in others)


def capabilities() -> str:
    """What a connector may declare, and what core does for one that does not."""
    rows = [f"| `{one}` | {MEANS[one]} | {WITHOUT.get(one, '')} |" for one in Capability]
    return "\n".join(["| `Capability` | the ERP can do it | not declared |", "|---|---|---|", *rows])


def _method(base: type[Any], name: str) -> str:
    method = getattr(base, name)
    hints = get_type_hints(method, include_extras=True)
    answer = _words(hints.pop("return"))
    given = ", ".join(f"{argument}: {_words(kind)}" for argument, kind in hints.items())
    return f"### `{name}({given})`\n\n→ `{answer}`\n\n{_doc(method)}"


def _value(made: type[Any]) -> str:
    hints = get_type_hints(made, include_extras=True)
    rows = ["| field | type | default |", "|---|---|---|"]
    for field in dataclasses.fields(made):
        kind = _words(hints[field.name]).replace("|", "\\|")
        rows.append(f"| `{field.name}` | `{kind}` | {_default(field)} |")
    ways = [_way(made, name) for name, member in vars(made).items() if _is_a_way(name, member)]
    methods = [f"- `{signature}`: {text}" for signature, text in ways]
    parts = [f"### `{made.__name__}`", _doc(made), "\n".join(rows) if len(rows) > 2 else "", "\n".join(methods)]
    return "\n\n".join(part for part in parts if part)


def _is_a_way(name: str, member: object) -> bool:
    return not name.startswith("_") and isinstance(member, classmethod | property)


def _way(made: type[Any], name: str) -> tuple[str, str]:
    member = inspect.getattr_static(made, name)
    if isinstance(member, property):
        return f".{name}", _doc(member)
    return f".{name}{_arguments(getattr(made, name))}", _doc(getattr(made, name))


def _default(field: "dataclasses.Field[Any]") -> str:
    given = field.default
    if isinstance(given, dataclasses.MISSING.__class__):
        return "required" if field.default_factory is dataclasses.MISSING else "empty"
    given = getattr(given, "default", given)  # pydantic's own wrapping
    factory = getattr(field.default, "default_factory", None)
    if factory is not None:
        return "empty"
    return f"`{given!r}`" if not isinstance(given, str) else f'`"{given}"`'


def _arguments(called: Any) -> str:
    parameters = [p for p in inspect.signature(called).parameters.values() if p.name != "self"]
    shown = []
    for parameter in parameters:
        default = parameter.default
        if default is inspect.Parameter.empty:
            shown.append(parameter.name)
        else:
            shown.append(f'{parameter.name}="{default}"' if isinstance(default, str) else f"{parameter.name}={default}")
    return f"({', '.join(shown)})"


def _words(kind: Any) -> str:
    """A type as an author writes it."""
    for known, shown in SHORT.items():
        if kind == known:
            return shown
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(inner[0])
    if origin in (Union, types.UnionType):
        return " | ".join(_words(one) for one in inner)
    if origin is Literal:
        return " | ".join(f'"{one}"' for one in inner)
    if origin is not None:
        return f"{origin.__name__}[{', '.join('…' if one is Ellipsis else _words(one) for one in inner)}]"
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def _doc(of: Any) -> str:
    text = inspect.getdoc(of)
    assert text, f"{of} says nothing of itself"
    return text


PARTS = {
    "hooks": hooks,
    "hook_methods": methods,
    "hook_policies": policies,
    "hook_values": values,
    "hook_exceptions": exceptions,
    "hook_bases": public,
    "capabilities": capabilities,
}
