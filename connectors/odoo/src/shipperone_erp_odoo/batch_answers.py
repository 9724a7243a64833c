"""Answers to a batch of requests, by key. An error of one order is that order's answer; an ERP outage is everyone's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from shipperone_erp import AuthFailed, ConnectorError, Transient

AnswerT = TypeVar("AnswerT")


class Answers(Generic[AnswerT]):
    """The answers so far. A key without an answer in the end counts as unknown."""

    def __init__(self) -> None:
        self.found: dict[str, AnswerT | Exception] = {}

    def __setitem__(self, key: str, answer: AnswerT | Exception) -> None:
        self.found[key] = answer

    def only(self) -> AnswerT:
        """The answer to a batch of one."""
        (answer,) = self.found.values()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """A refusal raised inside becomes the answer for that key; an outage of Odoo is passed on."""
        try:
            yield
        except (Transient, AuthFailed):
            raise
        except ConnectorError as error:
            self.found[key] = error
