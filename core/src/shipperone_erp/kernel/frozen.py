"""Frozen values: copies with other fields, which no constructor checks again, and a key for caches by identity."""

from typing import TYPE_CHECKING, Generic, TypeVar

__all__ = ["Same", "with_fields"]

T = TypeVar("T")

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


class Same(Generic[T]):
    """Equal only to a `Same` of the very same object, which it keeps alive.

    A key for caches of pure functions of a value that is costly to compare, or cannot be hashed.
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value
