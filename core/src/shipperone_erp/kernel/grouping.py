"""Groups values: by a key, as a sum by a key, or so many at a time."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """The items by their key, in their order; the keys in the order of their first item."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def summed(amounts: Iterable[tuple[K, Decimal | None]]) -> dict[K, Decimal]:
    """The sums of the amounts by their key; a key without any amount is left out."""
    found: dict[K, Decimal] = {}
    for key, amount in amounts:
        if amount is not None:
            found[key] = found.get(key, Decimal(0)) + amount
    return found


def chunks(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """The items in their order, at most so many at a time."""
    return (items[start : start + most] for start in range(0, len(items), most))
