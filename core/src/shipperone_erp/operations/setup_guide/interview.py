"""Asks one question after another, with a way back. The next question is a function of the answers so far."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from pydantic import ValidationError

from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Question
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.kernel.errors import PluginRefused, UsageError

Answer = Secret | str
Answers = Mapping[str, Answer]
FinishedT = TypeVar("FinishedT")


class Asks(Protocol):
    """The source of answers: a terminal, or nobody."""

    def ask(self, question: Question) -> str | None:
        """The answer; None returns to the previous question."""

    def wrong(self, sentence: str) -> None:
        """Report that the last answer is not accepted; the question is asked again."""


class Unattended:
    """Answers with the default, without an operator. A question without a default raises, and names its flag."""

    def __init__(self, flag: Callable[[Question], str]) -> None:
        self._flag = flag

    def ask(self, question: Question) -> str:
        if question.default is None:
            raise UsageError(f"{question.asks}: answer it with {self._flag(question)}")
        return question.default

    def wrong(self, sentence: str) -> None:
        raise UsageError(sentence)


def interview(following: Callable[[Answers], Question | FinishedT], asks: Asks, given: Answers) -> FinishedT:
    """Ask until `following` has no further question; returns its final value. `given`: answers from the command line.

    `following` raises ValueError, ConnectorError or PluginRefused about the last answer. UsageError if that answer was
    a given one, since it cannot be asked again.
    """
    answers: dict[str, Answer] = {}
    typed: list[str] = []
    about: dict[str, str] = {}
    while True:
        try:
            step = following(answers)
            if not isinstance(step, Question):
                return step
            about[step.name] = step.asks
            if step.name in given:
                answers[step.name] = _taken(step, given[step.name])
                continue
        except (ValueError, ConnectorError, PluginRefused) as refused:
            newest = next(reversed(answers), None)
            if newest is None:
                raise UsageError(in_words(refused)) from None
            if newest not in typed:
                raise UsageError(f"{about[newest]}: {in_words(refused)}") from None
            asks.wrong(in_words(refused))
            _drop(answers, typed, newest)
            continue
        answer = asks.ask(step)
        if answer is None:
            if typed:
                _drop(answers, typed, typed[-1])
            continue
        try:
            answers[step.name] = _taken(step, Secret(answer) if step.secret else answer.strip())
        except ValueError as refused:
            asks.wrong(str(refused))
            continue
        typed.append(step.name)


def in_words(refused: Exception) -> str:
    """The error about an answer, without the answer."""
    if isinstance(refused, ValidationError):
        found = refused.errors(include_url=False, include_input=False, include_context=False)
        named = [(".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, ")) for one in found]
        return "; ".join(f"{place}: {why}".removeprefix(": ") for place, why in named)
    return str(refused)


def _taken(question: Question, answer: Answer) -> Answer:
    """The answer, if it is valid for the question. ValueError otherwise."""
    empty = not (answer.get_secret_value() if isinstance(answer, Secret) else answer)
    if empty and question.default is None:
        raise ValueError(f"{question.asks}: an answer is needed")
    if empty and question.default is not None:
        return Secret(question.default) if question.secret else question.default
    values = [option.value for option in question.options]
    if values and not question.free and answer not in values:
        raise ValueError(f"{question.asks}: answer {' or '.join(values)}")
    return answer


def _drop(answers: dict[str, Answer], typed: list[str], name: str) -> None:
    """Remove that answer and every later one."""
    for later in list(answers)[list(answers).index(name) :]:
        del answers[later]
    typed[:] = [one for one in typed if one in answers]
