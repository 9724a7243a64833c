"""Reasons that concern the process: ShipperOne, the ERP, the connector, operators' decisions."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRIED, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.ITEMS_CHANGED: Explanation(
        NOBODY,
        "Items or quantities are not what they were, or the ERP's are not ShipperOne's.",
        "The order is read again, what was made is undone, and it restarts; if that cannot be, it is held. An order "
        "that is listed otherwise from read to read is held after three changes within ten minutes, and proceeds by "
        "itself once it has stood still for as long.",
        f"If it is held, compare both sides in `order show ID`. {RETRY}",
        (ACCOUNTANT, WAREHOUSE, SHIPPERONE),
    ),
    Reason.MORE_THAN_ORDERED: Explanation(
        SHIPPERONE,
        "More of an item is listed as shipped than was ever allocated. `order repeat` does not change that.",
        HELD,
        f"Have ShipperOne say what really shipped. {RETRY}",
    ),
    Reason.LISTED_AGAIN: Explanation(
        SHIPPERONE,
        "ShipperOne lists again what it has confirmed: the same items in the same quantity.",
        "It was left alone for three reads, since a listing can lag. It leaves the list once the order does.",
        "A true second shipment: `shipperone-erp order repeat ID`. Else have ShipperOne take it out of the queue.",
    ),
    Reason.PLATFORM_REFUSED: Explanation(
        SHIPPERONE,
        "ShipperOne refused the confirmation.",
        "After a 400 the queue is read afresh and it is tried up to three times; then it is held.",
        f"`order show ID` has ShipperOne's words and both sides. {RETRY}",
        (IT, ACCOUNTANT, WAREHOUSE),
    ),
    Reason.PLATFORM_UNAVAILABLE: Explanation(
        NOBODY,
        "ShipperOne could not be reached, or answered with an error of its own.",
        "The queue is read and the order tried again by itself, with growing pauses of up to five minutes.",
        "Nothing, unless it lasts: `shipperone-erp doctor` tells whether it is the address, the network or ShipperOne.",
    ),
    Reason.PLATFORM_RATE_LIMITED: Explanation(
        NOBODY,
        "ShipperOne asked for a pause (429, or 503 with Retry-After). Nothing was done there.",
        "It resumes after the pause that ShipperOne named. It counts as no attempt.",
        "Nothing. If it happens all day, lower `concurrency`.",
    ),
    Reason.PLATFORM_AUTH: Explanation(
        IT,
        "ShipperOne refuses the token (401 or 403). The tenant pauses; no order fails.",
        "Nothing is asked of ShipperOne for this tenant but whether the token works again.",
        "Put a valid token where the configuration says; `shipperone-erp doctor` tells which right is missing. From a "
        "file a running service takes it by itself within seconds; an environment variable or a systemd credential "
        "needs a restart.",
    ),
    Reason.ERP_UNAVAILABLE: Explanation(
        NOBODY,
        "The ERP does not answer.",
        "One call probes it, with pauses of up to a minute; then all orders resume. No attempts are counted meanwhile.",
        "Nothing, unless it lasts: then look after the ERP, its network, its address in the settings.",
    ),
    Reason.ERP_AUTH: Explanation(
        IT,
        "The ERP refuses our login.",
        "One call probes it, with pauses of up to a minute; no order fails.",
        "Put a valid login where the configuration says. From a file a running service takes it by itself within "
        "seconds; an environment variable or a systemd credential needs a restart.",
    ),
    Reason.ERP_ACCESS_DENIED: Explanation(
        IT, "The ERP's user may not do this.", HELD, f"Grant what the sentence names. {RETRY}"
    ),
    Reason.ERP_BUSY: Explanation(NOBODY, f"The ERP is busy. {FROM_CONNECTOR}", RETRIED, "Nothing."),
    Reason.ERP_PERIOD_LOCKED: Explanation(
        ACCOUNTANT,
        "The ERP takes no invoice of this date: its accounting period is locked, or its numbers follow the dates and a "
        f"later invoice is issued. {FROM_CONNECTOR}",
        "If ShipperOne has accepted it, it is tried again by itself; else it is held. The date is never shifted: it "
        'was fixed when the invoice was first built (or, with `tax_date = "issued"`, first issued).',
        f"Open the period in the ERP. {RETRY} Or keep the day of supply and issue the invoice with a later date, up to "
        "today: `shipperone-erp order retry ID --issue-date D --note …`; an approval is asked for again. A new "
        "`tax_date` counts for invoices that are begun after it.",
    ),
    Reason.ERP_STOCK_INCONSISTENT: Explanation(
        WAREHOUSE, "The ERP's stock contradicts itself.", HELD, f"Correct it in the ERP. {RETRY}"
    ),
    Reason.ERP_REFUSED: Explanation(
        IT,
        "The ERP said no, in the words of the sentence.",
        HELD,
        f"Cure what it names. {RETRY}",
        (WAREHOUSE, ACCOUNTANT),
    ),
    Reason.ERP_CHANGED: Explanation(
        IT,
        "Its document is in another ERP than the one that is served now: `ledger adopt --drop-references` was said.",
        HELD,
        "`shipperone-erp order retry ID` makes it anew by its key in the ERP of now. If it is finished by hand: "
        "`order resolve ID --outcome confirmed`.",
        (WAREHOUSE,),
    ),
    Reason.ALREADY_IN_ERP: Explanation(
        ACCOUNTANT,
        f"The ERP holds a document for this order that was not made here. {FROM_CONNECTOR}",
        HELD,
        "If that document is right, `shipperone-erp order adopt ID --reference R --number N --total T` compares it and "
        f"confirms it to ShipperOne. Else remove it in the ERP. {RETRY}",
        (WAREHOUSE,),
    ),
    Reason.NUMBER_REUSED: Explanation(
        ACCOUNTANT,
        "The ERP gave an invoice a number that the ledger knows as that of another one: after a restored backup it "
        "counts from an earlier day.",
        "The invoice is issued and confirmed; its goods are not delivered in the ERP until an operator has looked.",
        "Find both invoices by the sentence; correct the one whose number is wrong, and the ERP's counter. Then "
        "`shipperone-erp order retry ID` resumes the delivery.",
    ),
    Reason.OUTCOME_UNKNOWN: Explanation(
        NOBODY,
        "An answer was lost on the way: the call may have had its effect, or not.",
        "A call of the ERP is made again with the same key. For ShipperOne two reads of its queue, begun at least "
        "`settle` after the call, decide; reads that prove nothing do not count, and reading continues for "
        "`doubt_for`. "
        "An answer of 2xx that denies the confirmation is unknown as well; if two reads still list the order, it is a "
        "refusal. If the reads contradict each other, or prove nothing for `doubt_for`, it is held.",
        "If it is held, ask ShipperOne whether it took the order, and say so: `shipperone-erp order resolve ID "
        "--outcome confirmed` (it took it: an invoice is then issued) or `--outcome cancelled` (it did not: the order "
        "is looked at afresh). `order retry ID` looks at the queue again.",
        (SHIPPERONE, ACCOUNTANT, IT),
    ),
    Reason.CONFIRMED_NOT_ISSUED: Explanation(
        ACCOUNTANT,
        "ShipperOne has accepted the invoice, and the ERP has not issued it: late, not lost.",
        "It is tried again without end.",
        "Cure what the sentence names in the ERP; it then resumes by itself, or at once with `order retry ID`.",
    ),
    Reason.ISSUED_NOT_CONFIRMED: Explanation(
        ACCOUNTANT,
        "An invoice is issued in the ERP that ShipperOne has not confirmed. Nothing credits it by itself.",
        HELD,
        "Credit it in the ERP, or have ShipperOne take the order as it is, then `shipperone-erp order retry ID`. If "
        "the document is right as the order is listed now, `order adopt ID --reference R` confirms it.",
    ),
    Reason.ISSUED_NOT_DELIVERED: Explanation(
        WAREHOUSE,
        "The invoice is issued; the ERP could not book the goods out, or no reservation of them is known here and "
        '`without_reservation = "hold"` leaves it to an operator.',
        "What the ERP refused is tried again by itself, with growing pauses of up to five minutes. The invoice does "
        "not wait for it.",
        "Cure what the sentence names in the ERP; it then resumes by itself. If the goods were booked out by hand: "
        "`shipperone-erp order resolve ID --outcome confirmed`.",
    ),
    Reason.RESERVED_NOT_SHIPPED: Explanation(
        WAREHOUSE,
        "Reserved and confirmed, and not shipped within `ship_within` (14 days unless set).",
        "The goods stay reserved. It ends by itself once the order has shipped; `status` counts them.",
        "Ask ShipperOne. If the order is cancelled: `shipperone-erp order release ID --note TEXT` gives the goods "
        "back, unless a queue still lists the order.",
    ),
    Reason.ORDER_GONE: Explanation(
        WAREHOUSE,
        "The order left ShipperOne's queue while nobody read it for long, or after the day of which this ledger is a "
        "copy: it was cancelled, or confirmed by somebody else.",
        "What it holds in the ERP is kept. If the order is listed again, it resumes by itself.",
        "Ask ShipperOne what became of it. Somebody confirmed it: `shipperone-erp order resolve ID --outcome "
        "confirmed`. It was cancelled: undo in the ERP by hand what the sentence names, then `--outcome cancelled`.",
        (ACCOUNTANT,),
    ),
    Reason.ORDER_UNREADABLE: Explanation(
        IT,
        "The order, as ShipperOne lists it, lacks something that every order must have, or its id is listed twice, for "
        "two different orders.",
        "All other orders are processed. Once it can be read, it starts by itself.",
        "If the field is elsewhere, name the place in [tenants.NAME.fields]; else ask ShipperOne. If an id is "
        "listed twice, another field may tell the orders apart: name it as `order_id` there.",
    ),
    Reason.BEFORE_GO_LIVE: Explanation(
        IT,
        "It was listed when this queue was first read, so it may have been handled by hand.",
        HELD,
        "`shipperone-erp go-live TENANT --all` releases all of them; `--from-now` leaves all of them alone. "
        "`order retry ID` takes up a single one; `order adopt ID --reference R` confirms what was made by hand.",
    ),
    Reason.AWAITING_APPROVAL: Explanation(
        ACCOUNTANT,
        'The invoice is built and compared, and an operator is to approve it (`approve = ["invoice"]`).',
        "ShipperOne is not asked and nothing is issued. If the order changes, or the draft, it is requested again.",
        "Look at the draft, then `shipperone-erp order approve ID`. To have it rebuilt: `order retry ID --rebuild`.",
    ),
    Reason.CONFIG_INCOMPLETE: Explanation(
        IT,
        "Something is missing in the configuration, or the connector cannot be used with it.",
        "The tenant (or the job) waits; other tenants are served.",
        f"`shipperone-erp config check` names each problem with its line. {RETRY}",
        (WAREHOUSE, ACCOUNTANT),
    ),
    Reason.CONNECTOR_BUG: Explanation(
        IT,
        "The connector raised or answered something that it must not.",
        "This job is held, all others are processed. The traceback is in `order show ID --raw`. If five orders in a "
        "row meet the same exception, what meets it waits instead, and so do those that were held by it before: one of "
        "them at a time probes, with pauses of up to a minute, and all resume by themselves once a call succeeds.",
        "Give it to the connector's author; look at the machine first if it is an OSError or a MemoryError. After an "
        f"upgrade: {RETRY[5:]}",
    ),
}
