"""Reasons that concern the process: ShipperOne, the ERP, the connector, operators' decisions."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRIED, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.ITEMS_CHANGED: Explanation(
        NOBODY,
        "Items or quantities have changed, or differ between the ERP and ShipperOne.",
        "The order is read again, its documents are undone, and it restarts; if that is not possible, it is held. An "
        "order whose listing changes three times within ten minutes is held, and proceeds automatically once it has "
        "been unchanged for ten minutes. An ignored order that is listed differently is held.",
        f"If it is held, compare both sides in `order show ID`. {RETRY}",
        (ACCOUNTANT, WAREHOUSE, SHIPPERONE),
    ),
    Reason.MORE_THAN_ORDERED: Explanation(
        SHIPPERONE,
        "More of an item is listed as shipped than was allocated, or more of its SKU under another item id. `order "
        "repeat` does not change that.",
        HELD,
        f"Have ShipperOne correct the shipped quantities. {RETRY}",
    ),
    Reason.LISTED_AGAIN: Explanation(
        SHIPPERONE,
        "ShipperOne lists an order again that it has already confirmed: the same items in the same quantity.",
        "It was ignored for three reads, since a listing can lag. It disappears from the list once the order leaves "
        "the queue.",
        "For a true second shipment: `shipperone-erp order repeat ID`. Otherwise have ShipperOne remove it from the "
        "queue.",
    ),
    Reason.PLATFORM_REFUSED: Explanation(
        SHIPPERONE,
        "ShipperOne refused the confirmation.",
        "After a 400 the queue is read again and the confirmation is retried up to three times; then it is held.",
        f"`order show ID` shows ShipperOne's message and both sides. {RETRY}",
        (IT, ACCOUNTANT, WAREHOUSE),
    ),
    Reason.PLATFORM_UNAVAILABLE: Explanation(
        NOBODY,
        "ShipperOne could not be reached, or answered with an error of its own.",
        "The queue is read and the order retried automatically, with back-off up to five minutes.",
        "None, unless it persists: `shipperone-erp doctor` shows whether the cause is the address, the network or "
        "ShipperOne.",
    ),
    Reason.PLATFORM_RATE_LIMITED: Explanation(
        NOBODY,
        "ShipperOne requested a pause (429, or 503 with Retry-After). The request had no effect.",
        "It resumes after the requested pause. It does not count as an attempt.",
        "None. If it happens all day, lower `concurrency`.",
    ),
    Reason.PLATFORM_AUTH: Explanation(
        IT,
        "ShipperOne refuses the token (401 or 403). The tenant is paused; no order fails.",
        "Only probes whether the token works again are sent to ShipperOne for this tenant.",
        "Store a valid token in the place that the configuration names; `shipperone-erp doctor` shows a missing scope. "
        "A running service loads it from a file within seconds; an environment variable or a systemd credential "
        "needs a restart.",
    ),
    Reason.ERP_UNAVAILABLE: Explanation(
        NOBODY,
        "The ERP does not answer.",
        "One call at a time probes it, at intervals of up to a minute; then all orders resume. No attempts are "
        "counted meanwhile.",
        "None, unless it persists: then check the ERP, its network, and its address in the settings.",
    ),
    Reason.ERP_AUTH: Explanation(
        IT,
        "The ERP refuses the connector's login.",
        "One call at a time probes it, at intervals of up to a minute; no order fails.",
        "Store a valid login in the place that the configuration names. A running service loads it from a file "
        "within seconds; an environment variable or a systemd credential needs a restart.",
    ),
    Reason.ERP_ACCESS_DENIED: Explanation(
        IT, "The ERP's user lacks the right to do this.", HELD, f"Grant the right that the message names. {RETRY}"
    ),
    Reason.ERP_BUSY: Explanation(NOBODY, f"The ERP is busy. {FROM_CONNECTOR}", RETRIED, "Nothing."),
    Reason.ERP_PERIOD_LOCKED: Explanation(
        ACCOUNTANT,
        "The ERP does not accept an invoice of this date: the accounting period is locked, or numbers follow the dates "
        f"and a later invoice is issued. {FROM_CONNECTOR}",
        "If ShipperOne has accepted it, it is retried automatically; else it is held. The date is never moved: it "
        'was fixed when the invoice was first built (or, with `tax_date = "issued"`, first issued).',
        f"Open the period in the ERP. {RETRY} Or keep the day of supply and issue the invoice with a later date, up to "
        "today: `shipperone-erp order retry ID --issue-date D --note …`; it then needs a new approval. A new "
        "`tax_date` applies to invoices started after the change.",
    ),
    Reason.ERP_STOCK_INCONSISTENT: Explanation(
        WAREHOUSE,
        "The ERP's stock contradicts itself. Or goods of the order were shipped before they were reserved.",
        HELD,
        "Correct it in the ERP. If goods were shipped unreserved, have ShipperOne remove the order from "
        f"pending_allocation; `order retry` reserves other pieces. {RETRY}",
    ),
    Reason.ERP_REFUSED: Explanation(
        IT,
        "The ERP refused the request; the message has the ERP's text.",
        HELD,
        f"Remove the cause that it names. {RETRY}",
        (WAREHOUSE, ACCOUNTANT),
    ),
    Reason.ERP_CHANGED: Explanation(
        IT,
        "Its document is in a previous ERP: `ledger adopt --drop-references` was run.",
        HELD,
        "`shipperone-erp order retry ID` creates it again under its key in the current ERP. If it was finished "
        "by hand: `order resolve ID --outcome confirmed`.",
        (WAREHOUSE,),
    ),
    Reason.ALREADY_IN_ERP: Explanation(
        ACCOUNTANT,
        f"The ERP contains a document for this order that this program did not create. {FROM_CONNECTOR}",
        HELD,
        "If that document is right, `shipperone-erp order adopt ID --reference R --number N --total T` compares it and "
        f"confirms it to ShipperOne. Otherwise remove it in the ERP. {RETRY}",
        (WAREHOUSE,),
    ),
    Reason.NUMBER_REUSED: Explanation(
        ACCOUNTANT,
        "The ERP gave an invoice a number that another invoice in the ledger already has: after restoring a backup, "
        "the ERP counts from an earlier number.",
        "The invoice is issued and confirmed; its goods are not delivered in the ERP until an operator has checked.",
        "The message names both invoices; correct the one whose number is wrong, and the ERP's counter. Then "
        "`shipperone-erp order retry ID` resumes the delivery.",
    ),
    Reason.OUTCOME_UNKNOWN: Explanation(
        NOBODY,
        "An answer was lost: the call may or may not have taken effect.",
        "A call of the ERP is repeated with the same key. For ShipperOne, two reads of its queue, started at least "
        "`settle` after the call, decide; reads that prove nothing do not count, and reading continues for "
        "`doubt_for`. The outcome of a 2xx answer that denies the confirmation is unknown as well; if two reads "
        "still list the order, it is a refusal. If the reads contradict each other, or prove nothing for "
        "`doubt_for`, it is held.",
        "If it is held, ask ShipperOne whether it accepted the order, and record the outcome: `shipperone-erp "
        "order resolve ID --outcome confirmed` (accepted: an invoice is then issued) or `--outcome cancelled` (not "
        "accepted: the order is evaluated again). `order retry ID` reads the queue again.",
        (SHIPPERONE, ACCOUNTANT, IT),
    ),
    Reason.CONFIRMED_NOT_ISSUED: Explanation(
        ACCOUNTANT,
        "ShipperOne has accepted the invoice, and the ERP has not issued it yet. Nothing is lost.",
        "It is retried without limit.",
        "Remove the cause that the message names in the ERP; it then resumes automatically, or at once with `order "
        "retry ID`.",
    ),
    Reason.ISSUED_NOT_CONFIRMED: Explanation(
        ACCOUNTANT,
        "An invoice is issued in the ERP, and this ledger has no acceptance of it by ShipperOne. It is not credited "
        "automatically.",
        HELD,
        "Ask ShipperOne before anything is credited: a second installation may have had it accepted. If it was: "
        "`shipperone-erp order resolve ID --outcome confirmed`. If not: credit it in the ERP, or have ShipperOne "
        "accept the order as it is, then `order retry ID`. If the document matches the order as listed now, `order "
        "adopt ID --reference R` confirms it.",
    ),
    Reason.ISSUED_NOT_DELIVERED: Explanation(
        WAREHOUSE,
        "The invoice is issued; the ERP could not book the goods out, or the ledger has no reservation of them and "
        '`without_reservation = "hold"` requires an operator.',
        "A delivery that the ERP refused is retried automatically, with back-off up to five minutes. The invoice is "
        "not affected.",
        "Remove the cause that the message names in the ERP; it then resumes automatically. If the goods were booked "
        "out by hand: `shipperone-erp order resolve ID --outcome confirmed`.",
    ),
    Reason.RESERVED_NOT_SHIPPED: Explanation(
        WAREHOUSE,
        "Reserved and confirmed, but not shipped within `ship_within` (default: 14 days).",
        "The goods stay reserved. It ends automatically once the order has shipped; `status` counts such orders.",
        "Ask ShipperOne. If the order is cancelled: `shipperone-erp order release ID --note TEXT` releases the "
        "goods, unless a queue still lists the order.",
    ),
    Reason.ORDER_GONE: Explanation(
        WAREHOUSE,
        "The order left ShipperOne's queue while the queue was not read for long, after this copy of the ledger was "
        "made, or while its confirmation was refused: it was cancelled, or confirmed elsewhere.",
        "Its documents in the ERP are kept. If the order is listed again, it resumes automatically.",
        "Ask ShipperOne about its outcome. If it was confirmed: `shipperone-erp order resolve ID --outcome "
        "confirmed`. If it was cancelled: undo the documents that the message names in the ERP by hand, then "
        "`--outcome cancelled`.",
        (ACCOUNTANT,),
    ),
    Reason.ORDER_UNREADABLE: Explanation(
        IT,
        "The order as listed by ShipperOne lacks a required field, or its id is listed twice, for two different "
        "orders.",
        "All other orders are processed. It starts automatically once it can be read.",
        "If the field is elsewhere, set its place in [tenants.NAME.fields]; otherwise ask ShipperOne. If an id "
        "is listed twice, another field may distinguish the orders: set it as `order_id` there.",
    ),
    Reason.BEFORE_GO_LIVE: Explanation(
        IT,
        "It was already listed at the first read of this queue, so it may have been handled by hand. It stays held if "
        "it leaves the queue undecided and is listed again.",
        HELD,
        "`shipperone-erp go-live TENANT --all` processes all of them; `--from-now` ignores all of them. `order "
        "retry ID` processes a single one; `order adopt ID --reference R` confirms a document that was created by "
        "hand.",
    ),
    Reason.AWAITING_APPROVAL: Explanation(
        ACCOUNTANT,
        'The invoice is built and compared, and needs the approval of an operator (`approve = ["invoice"]`).',
        "Nothing is sent to ShipperOne and nothing is issued. If the order or the draft changes, it needs a new "
        "approval.",
        "Check the draft, then run `shipperone-erp order approve ID`. To have it rebuilt: `order retry ID --rebuild`.",
    ),
    Reason.CONFIG_INCOMPLETE: Explanation(
        IT,
        "The configuration is incomplete, or the connector cannot be used with it.",
        "The tenant (or the job) waits; other tenants are served.",
        f"`shipperone-erp config check` names each problem with its line. {RETRY}",
        (WAREHOUSE, ACCOUNTANT),
    ),
    Reason.CONNECTOR_BUG: Explanation(
        IT,
        "The connector raised an exception, or returned an answer, that the hook does not allow.",
        "This job is held, all others are processed. The traceback is in `order show ID --raw`. If five orders in a "
        "row raise the same exception, they and further such orders wait instead of being held: one at a time is tried "
        "as a probe, at intervals of up to a minute, and all resume automatically once a call succeeds.",
        "Report it to the connector's author; check the machine first if it is an OSError or a MemoryError. After an "
        f"upgrade: {RETRY[5:]}",
    ),
}
