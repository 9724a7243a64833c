"""Removes the tenant's secrets and the order's personal data from the texts of a connector or a policy.

Everybody reads sentences in lists and logs. The personal data are in the order itself, for those who need them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shipperone_erp.domain.hook_answers import Check, ConnectorError, Pending
from shipperone_erp.domain.hook_requests import Mismatch, Resolution
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.personal_data import discreet
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.kernel.redaction import Redaction

SHOWN: Mapping[str, Collection[str]] = {Reason.VAT_ID_INVALID: ("vat_id",)}
"""The personal data that a refusal for this reason may name: an operator needs the invalid number to correct it."""


class AnswerSanitizer:
    """One for the plugins of a tenant. Answers without a sentence are unchanged."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._redact = Redaction(secrets)

    def text(self, text: str, about: object = None, *, shown: Collection[str] = ()) -> str:
        """A plugin's text; `about` is the hook's argument, `shown` the fields of a party that it may name."""
        return discreet(self._redact(text), _orders(about), shown=shown)

    def answer(self, answer: Any, about: object) -> Any:
        """An answer, an exception in its place, or a dict of these."""
        match answer:
            case Pending():
                return replace(answer, sentence=self.text(answer.sentence, about))
            case Resolution(sentence=str(sentence)):
                return replace(answer, sentence=self.text(sentence, about))
            case ConnectorError():
                shown = SHOWN.get(getattr(answer, "reason", ""), ())
                answer.sentence = self.text(answer.sentence, about, shown=shown)
                answer.args = (answer.sentence,)
            case dict():
                return {key: self.answer(entry, about) for key, entry in answer.items()}
        return answer

    def check(self, check: Check) -> Check:
        """A line of `doctor`."""
        cure = None if check.cure is None else self.text(check.cure)
        return replace(check, name=self.text(check.name), sentence=self.text(check.sentence), cure=cure)


def _orders(about: object) -> Iterator[FulfillmentOrder]:
    requests: Sequence[object] = about if isinstance(about, tuple) else (about,)
    for request in requests:
        if isinstance(request, Mismatch):
            yield from (order for order in (request.sent, request.now) if order is not None)
        elif isinstance(order := getattr(request, "order", None), FulfillmentOrder):
            yield order
