"""Numbers of invoices. Invoices made by users share the series, so a gap proves nothing and is not a finding."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.operations.reconcile.finding_kinds import Compared, Finding


class Numbers:
    """The numbers of all invoices in the ERP, including those made by users."""

    def __init__(self, keys: Mapping[str, Sequence[Document]], others: Iterable[Document]) -> None:
        """`keys`: the ERP's documents by the key of their job; `others`: documents without a known key."""
        self.by_number: dict[str, list[tuple[str | None, Document]]] = defaultdict(list)
        """Every use of a number, by any issuer."""
        for key, documents in keys.items():
            for document in documents:
                self._add(key, document)
        for document in others:
            self._add(None, document)

    def where_now(self, job: Job) -> str:
        """The present use of the number of a missing document, as the end of a sentence."""
        if job.stage is not Stage.INVOICE or not job.number:
            return ""
        holders = [_named(document) for _, document in self.by_number.get(job.number, ())]
        if not holders:
            return f"; no invoice has the number {job.number} now"
        return f"; the number {job.number} is on {', '.join(holders)} now"

    def of_each_series(self) -> Iterable[tuple[str, Sequence[tuple[str | None, Document]]]]:
        """The invoices with one number, by issuer: those of two issuers may have the same number."""
        for number, invoices in self.by_number.items():
            series = grouped(invoices, key=lambda one: one[1].issuer)
            yield from ((number, each) for each in series.values())

    def _add(self, key: str | None, document: Document) -> None:
        if document.kind == "invoice" and document.number:
            self.by_number[document.number].append((key, document))


def twice(keys: Mapping[str, Sequence[Document]], known: Mapping[str, Job], numbers: Numbers) -> Iterable[Compared]:
    """Two documents of one key, or two invoices with one number of which at least one was made by this runtime."""
    for key, documents in keys.items():
        references = list(dict.fromkeys(str(document.reference) for document in documents))
        if len(references) > 1:
            sentence = f"the ERP has {len(references)} documents of this key: {', '.join(references)}"
            yield Compared(known[key], documents[0], Finding.LISTED_TWICE, sentence)
    for number, invoices in numbers.of_each_series():
        ours = [(known[key], document) for key, document in invoices if key is not None]
        references = list(dict.fromkeys(_named(document) for _, document in invoices))
        if ours and len(references) > 1:
            sentence = f"{len(references)} invoices have the number {number}: {', '.join(references)}"
            yield Compared(*ours[0], Finding.LISTED_TWICE, sentence)


def issued_before(job: Job, document: Document) -> str:
    """An invoice under an earlier key of a job: it was discarded, but a user has issued it."""
    return (
        f"invoice {document.number} was issued under the earlier key {document.key}, in addition to "
        f"{job.number or job.key}: the accountant credits the surplus invoice"
    )


def _named(document: Document) -> str:
    return str(document.reference or document.key or "a document without a reference")
