"""Answers to a chunk of requests, by key: one order's failure is that order's answer, the ERP's is everybody's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from shipperone_erp import AuthFailed, ConnectorError, Transient

AnswerT = TypeVar("AnswerT")


class Answers(Generic[AnswerT]):
    """What is known so far. A key that has no answer in the end counts as unknown."""

    def __init__(self) -> None:
        self.found: dict[str, AnswerT | Exception] = {}

    def __setitem__(self, key: str, answer: AnswerT | Exception) -> None:
        self.found[key] = answer

    def only(self) -> AnswerT:
        """The answer to a chunk of one."""
        (answer,) = self.found.values()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """What is refused inside is the answer for that key; that Odoo is away is not."""
        try:
            yield
        except (Transient, AuthFailed):
            raise
        except ConnectorError as error:
            self.found[key] = error
