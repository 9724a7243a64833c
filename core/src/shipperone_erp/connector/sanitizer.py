"""What a connector or a policy says, on its way in: without the tenant's secrets, and without the people of the order.

Sentences are read in lists and logs by everybody. Whoever must know who it was about looks into the order itself.
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
"""What a refusal for this reason may name: without the number that is not valid nobody could correct it."""


class AnswerSanitizer:
    """One for the plugins of a tenant. Answers without a sentence pass as they are."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._redact = Redaction(secrets)

    def text(self, said: str, about: object = None, *, shown: Collection[str] = ()) -> str:
        """A text of a plugin's; `about` is what the hook was given, `shown` the fields of a party that it may name."""
        return discreet(self._redact(said), _orders(about), shown=shown)

    def answer(self, answer: Any, about: object) -> Any:
        """An answer, an exception that stands for one, or a dict of these."""
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
