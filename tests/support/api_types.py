"""Types of the exported API as text: written the same by every Python, and compared between two surfaces."""

import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import griffe


def written(annotation: Any) -> str:
    """The type as somebody would write it who has imported its names."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is NoneType:
        return "None"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, list):
        return f"[{', '.join(map(written, annotation))}]"
    if isinstance(annotation, TypeVar):
        return annotation.__name__
    if origin is Annotated:
        return written(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(map(written, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(written, arguments))}]"
    return str(getattr(annotation, "__qualname__", None) or inspect.formatannotation(annotation).rpartition(".")[2])


def changed(old: griffe.Object, new: griffe.Object) -> Iterator[str]:
    """Each type that is another one in `new`, of what is in both: of fields, parameters, returned values."""
    for name, before in old.members.items():
        after = new.members.get(name)
        if isinstance(before, griffe.Attribute) and isinstance(after, griffe.Attribute):
            yield from _differs(before, "", before.annotation, after.annotation)
        elif isinstance(before, griffe.Function) and isinstance(after, griffe.Function):
            for parameter in before.parameters:
                if parameter.name in after.parameters:
                    now = after.parameters[parameter.name].annotation
                    yield from _differs(before, f"{parameter.name}: ", parameter.annotation, now)
            yield from _differs(before, "returns ", before.returns, after.returns)
        elif isinstance(before, griffe.Class) and isinstance(after, griffe.Class):
            yield from changed(before, after)


def _differs(where: griffe.Object, what: str, before: Any, now: Any) -> Iterator[str]:
    if str(before) != str(now):
        yield f"{where.path.removeprefix('api.')}: Type was changed ({what}{now}, was {before})"
