"""Copies of frozen values with other fields: the values are checked already, so no constructor checks them again."""

from typing import TYPE_CHECKING

__all__ = ["with_fields"]

if TYPE_CHECKING:
    from dataclasses import replace as with_fields  # the type checker compares every keyword with the field's type
else:

    def with_fields(value, **changes):
        """The value with these fields changed; of a dataclass without slots, whose fields are as its type says.

        `dataclasses.replace` takes ten times as long, and a pydantic dataclass validates every field once more.
        """
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__)
        copy.__dict__.update(changes)
        return copy
