"""What `shipperone_erp` and its kit export, written as one flat module, and compared with what was released.

python tests/support/api_surface.py VERSION     writes core/api/VERSION.txt, once, when that API is released
"""

import ast
import dataclasses
import inspect
import logging
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import griffe

import api_types
import shipperone_erp
from places import ROOT
from shipperone_erp import testing

FOLDER = ROOT / "core" / "api"
MODULES = (shipperone_erp, testing)


def surface() -> str:
    """Every exported name: classes with their fields and public methods, functions, constants."""
    return (
        "\n".join(line for module in MODULES for name in sorted(module.__all__) for line in _named(module, name)) + "\n"
    )


def breaks(old: str, new: str) -> list[str]:
    """What somebody who was written for the old one would stumble over: as griffe finds it, and every changed type."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        loaded = []
        for age, text in (("old", old), ("new", new)):
            place = Path(folder) / age
            place.mkdir()
            (place / "api.py").write_text(text, encoding="utf-8")
            loaded.append(griffe.load("api", search_paths=[place], allow_inspection=False))
        found = [
            f"{one.obj.path.removeprefix('api.')}: {one.kind.value}{_detail(one)}"
            for one in griffe.find_breaking_changes(loaded[0], loaded[1])
            if one.kind is not griffe.BreakageKind.RETURN_CHANGED_TYPE
        ]
        found += api_types.changed(loaded[0], loaded[1])
    return sorted(found)


def released() -> list[str]:
    """The versions of the API that were released, oldest first."""
    return sorted(file.stem for file in FOLDER.glob("*.txt"))


def read(version: str) -> str:
    return (FOLDER / f"{version}.txt").read_text(encoding="utf-8")


def declared(of: str, now: str = shipperone_erp.API_VERSION, file: Path = FOLDER / "breaks.toml") -> set[str]:
    """The breaks of API `of` that were decided on; each only with a later major version, and not before its time."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("break", [])
    return {one["what"] for one in entries if _major(of) < _major(one["api"]) <= _major(now) and one["instead"]}


def added(old: str, new: str) -> set[str]:
    """The names that the new one has and the old one has not: exported names, and members as `Class.member`."""
    return _names(new) - _names(old)


def declared_additions(file: Path = FOLDER / "changes.toml") -> set[str]:
    """What is declared as gained since the newest release; each with what it is for."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("addition", [])
    return {one["what"] for one in entries if one["says"]}


def _names(text: str) -> set[str]:
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{name}" for member in node.body for name in _bound(member)}
        else:
            found.update(_bound(node))
    return found


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [] if node.name == "__init__" else [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _detail(one: griffe.Breakage) -> str:
    parameter = getattr(one.new_value, "name", None) or getattr(one.old_value, "name", None)
    return f" ({parameter})" if parameter else ""


def _named(module: ModuleType, name: str) -> Iterator[str]:
    value = getattr(module, name)
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield f"def {name}{_signature(value)}: ..."
    else:
        yield f"{name} = {value!r}" if isinstance(value, str | int) else f"{name} = ..."


def _class(name: str, found: type[Any]) -> Iterator[str]:
    lines = []
    if issubclass(found, Enum):
        lines += [f"{member.name} = {member.value!r}" for member in found]
    if dataclasses.is_dataclass(found):
        lines += [f"{field.name}: {api_types.written(field.type)}" for field in dataclasses.fields(found)]
        lines.append(f"def __init__{_signature(found, of_self=True)}: ...")
    elif (owner := next(base for base in found.__mro__ if "__init__" in vars(base))).__module__.startswith(
        "shipperone_erp"
    ):
        lines.append(f"def __init__{_signature(owner.__init__)}: ...")
    for base in reversed(found.__mro__):
        if base.__module__.startswith("shipperone_erp"):
            lines += [line for line in _members(base, found) if line not in lines]
    own = [base.__name__ for base in found.__bases__ if base.__name__ in shipperone_erp.__all__]
    yield f"class {name}({', '.join(own)}):" if own else f"class {name}:"
    yield from (f"    {line}" for line in lines or ["..."])


def _members(base: type[Any], found: type[Any]) -> Iterator[str]:
    own = inspect.get_annotations(base)
    for name, member in vars(base).items():
        if (
            name.startswith("_")
            or name == "model_config"
            or (dataclasses.is_dataclass(found) and name in found.__annotations__)
        ):
            continue
        if inspect.isfunction(member):
            if getattr(found, name) is member:
                yield f"def {name}{_signature(member)}: ..."
        elif isinstance(member, classmethod):
            yield f"def {name}{_signature(member.__func__)}: ..."
        elif isinstance(member, property):
            yield f"{name}: {api_types.written(inspect.signature(member.fget).return_annotation)}"
        elif not issubclass(found, Enum) and name not in own:
            yield f"{name} = ..."
    if not dataclasses.is_dataclass(found):
        yield from (f"{name}: {api_types.written(kind)}" for name, kind in own.items() if not name.startswith("_"))


def _signature(function: Any, *, of_self: bool = False) -> str:
    """The parameters with their kinds, types and defaults, and what is returned. `of_self`: of a class's call."""
    found = inspect.signature(function)
    if of_self:
        this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        found = found.replace(parameters=[this, *found.parameters.values()])
    plain = [
        one.replace(
            default=one.default if one.default is one.empty else _Text(_default(one.default)),
            annotation=one.annotation if one.annotation is one.empty else _Text(api_types.written(one.annotation)),
        )
        for one in found.parameters.values()
    ]
    returned = found.return_annotation
    written_type = "" if returned is found.empty else f" -> {api_types.written(returned)}"
    return str(found.replace(parameters=plain, return_annotation=found.empty)) + written_type


def _default(value: object) -> str:
    """A default as it is written, or dots where that is no literal."""
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):
        return "..."
    return repr(value)


class _Text(str):
    """Is shown in a signature as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


if __name__ == "__main__":
    target = FOLDER / f"{sys.argv[1]}.txt"
    if target.exists():
        sys.exit(f"{target} is released, and stays as it is")
    FOLDER.mkdir(exist_ok=True)
    target.write_text(surface(), encoding="utf-8")
