"""Which answers each hook may return: None, a coroutine or another type is never accepted."""

from collections.abc import Sequence
from typing import Any

from shipperone_erp.connector.api import InvoiceAnswer, ReserveAnswer
from shipperone_erp.domain.hook_answers import (
    Document,
    Done,
    FreeStock,
    Invoice,
    Pending,
    Reserved,
    Shortage,
    Voided,
)
from shipperone_erp.domain.hook_requests import ReserveStock
from shipperone_erp.kernel.errors import ContractViolation


class AnswerContract:
    """Returns an answer that the hook's contract allows; raises ContractViolation for any other."""

    def __init__(self, tenant: str, name: str) -> None:
        """`name`: the connector's."""
        self._tenant = tenant
        self._name = name

    def reserved(self, hook: str, request: ReserveStock, answer: Any) -> ReserveAnswer:
        if not isinstance(answer, Reserved | Shortage | Pending | Voided):
            raise self.wrong(hook, answer, "Reserved, Shortage, Pending or Voided")
        if isinstance(answer, Reserved) and not answer.reference:
            raise self.wrong(hook, answer, "a Reserved with a reference")
        if isinstance(answer, Shortage):
            ids = {str(item.item_id) for item in request.order.items}
            if not answer.lines or any(str(line.item_id) not in ids for line in answer.lines):
                raise self.wrong(hook, answer, "a Shortage that names lines of the order")
        return answer

    def invoice(self, hook: str, answer: Any) -> InvoiceAnswer:
        if not isinstance(answer, Invoice | Pending | Voided):
            raise self.wrong(hook, answer, "Invoice, Pending or Voided")
        return answer

    def done(self, hook: str, answer: Any) -> Done | Pending:
        if not isinstance(answer, Done | Pending):
            raise self.wrong(hook, answer, "Done or Pending")
        return answer

    def documents(self, answer: Any) -> list[Document]:
        if not isinstance(answer, list) or not all(isinstance(entry, Document) for entry in answer):
            raise self.wrong("list_documents", answer, "a list of Document")
        return answer

    def free_stock(self, answer: Any) -> Sequence[FreeStock]:
        if not isinstance(answer, list | tuple) or not all(isinstance(entry, FreeStock) for entry in answer):
            raise self.wrong("free_stock", answer, "a list of FreeStock, or None")
        return answer

    def answers(self, hook: str, answer: Any) -> dict[str, Any]:
        """Of a batch form, by key; each is still to be looked at by itself."""
        if not isinstance(answer, dict):
            raise self.wrong(hook, answer, "a dict of answers by key")
        return answer

    def wrong(self, hook: str, answer: Any, allowed: str) -> ContractViolation:
        """The violation that such an answer is."""
        if hasattr(answer, "close") and hasattr(answer, "send"):
            answer.close()  # an unawaited coroutine would warn later, elsewhere
        return ContractViolation(
            f"{self._tenant}: {hook} of connector {self._name} answered with {named(answer)}; allowed is {allowed}"
        )


def named(answer: Any) -> str:
    """What was answered, without any of its content."""
    if answer is None:
        return "None"
    if isinstance(answer, type):
        return f"the class {answer.__name__}"
    return f"a {type(answer).__name__}"
