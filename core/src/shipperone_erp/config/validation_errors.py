"""Converts pydantic's errors into problems of the configuration: with this project's wording, and without the value."""

import difflib
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError

from shipperone_erp.config.secret_sources import SecretMissing
from shipperone_erp.domain.states import Stage


class Fault(NamedTuple):
    """One error below a table: its path, the cause, a suggestion, and whether a secret is missing."""

    path: tuple[str | int, ...]
    cause: str
    near: str | None
    secret: bool


def faults(error: ValidationError, model: type[BaseModel], known: Sequence[str]) -> list[Fault]:
    """Every error that pydantic found in a table of `model`, whose valid keys are `known`."""
    found = []
    for entry in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in entry["loc"] if isinstance(part, str | int))
        raised = entry.get("ctx", {}).get("error")
        near = None
        table, key = _table(model, path)
        if entry["type"] == "extra_forbidden":
            cause = "unknown setting"
            near = nearest(str(path[-1]), known if table is model else list(table.model_fields))
        elif entry["type"] == "missing":
            cause = "it is missing"
        elif raised is not None:
            cause = str(raised)
        else:
            cause = _words(entry["type"], entry["msg"])
            words = _choices(table, key)
            if words:
                cause = f"write {' or '.join(repr(word) for word in map(str, words))}"
        found.append(Fault(path, cause, near, isinstance(raised, SecretMissing)))
    return found


def _table(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[type[BaseModel], str]:
    """The model and the key that a path refers to: those of the entry, if it leads into a list of tables."""
    entry = _entry_model(model, str(path[0])) if len(path) > 2 else None
    return (entry, str(path[2])) if entry else (model, str(path[0]) if path else "")


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)


PLAIN = {
    "string_type": "write a text",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "decimal_parsing": 'write an amount such as "0.01"',
    "decimal_type": 'write an amount such as "0.01"',
    "tuple_type": 'write a list, such as ["…"]',
    "mapping_type": "write a table",
    "dict_type": "write a table",
    "model_type": "write a table",
}


def _words(kind: str, sentence: str) -> str:
    return PLAIN.get(kind, sentence[:1].lower() + sentence[1:])


def _choices(model: type[BaseModel], key: str) -> tuple[str, ...]:
    """The permitted words of a setting, if it is a choice of words."""
    annotation = model.model_fields[key].annotation if key in model.model_fields else None
    if annotation == tuple[Stage, ...]:
        return tuple(Stage)
    inner = [annotation, *get_args(annotation)]
    return tuple(word for choice in inner if get_origin(choice) is Literal for word in get_args(choice))


def _entry_model(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of the entries of a setting that is a list of tables; None for any other setting."""
    inner = get_args(model.model_fields[key].annotation) if key in model.model_fields else ()
    return next((one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)), None)
