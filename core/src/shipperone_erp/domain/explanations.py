"""What each reason means, what happens meanwhile, and what cures it: the pages of `explain`, and docs/reasons.md.

python -m shipperone_erp.domain.explanations > docs/reasons.md
"""

import difflib
from collections.abc import Mapping

from shipperone_erp.domain.reasons import Explanation, Owner, Reason
from shipperone_erp.kernel.errors import UsageError

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

HELD = "It is held: nothing happens to it until an operator acts."
RETRIED = "It is tried again by itself, with growing pauses of up to five minutes."
RETRY = "Then say `shipperone-erp order retry ID`."
FROM_CONNECTOR = "A connector reports it; this release does not raise it by itself."

EXPLANATIONS: Mapping[Reason, Explanation] = {
    Reason.NOT_ENOUGH_STOCK: Explanation(
        WAREHOUSE,
        "The ERP has less of an item than the order wants. Nothing of the order is reserved.",
        "It is tried again every `stock_retry` (15 minutes unless set), for as long as ShipperOne lists it.",
        "Bring stock in, or have ShipperOne move or cancel the order. `order retry` tries at once.",
    ),
    Reason.WAITING_FOR_TRANSFER: Explanation(
        WAREHOUSE,
        "Goods lie in another warehouse, and have not arrived yet. The sentence names the transfer, and since when.",
        'The ERP is asked again, and the order is confirmed once the goods are there (`transfer = "arrived"`).',
        'Carry out the transfer in the ERP. With `transfer = "reserved"` the order would not wait for it.',
    ),
    Reason.ERP_PENDING: Explanation(
        NOBODY,
        "The ERP has taken the request and has not answered yet.",
        RETRIED,
        "Nothing, unless it lasts: then look in the ERP for what it waits for.",
    ),
    Reason.PRODUCT_UNKNOWN: Explanation(
        IT,
        f"The ERP has no product with this SKU, or (generic_sql) never had it in that warehouse. {FROM_CONNECTOR}",
        f"{HELD} With generic_sql it waits and is retried like a shortage.",
        f"Create the product. {RETRY}",
        other_owners=(WAREHOUSE,),
    ),
    Reason.PRODUCT_AMBIGUOUS: Explanation(
        IT,
        f"Several products in the ERP have this SKU. {FROM_CONNECTOR}",
        HELD,
        f"Leave the SKU on one of them. {RETRY}",
    ),
    Reason.PRODUCT_ARCHIVED: Explanation(
        IT, f"The product with this SKU is archived. {FROM_CONNECTOR}", HELD, f"Take it out of the archive. {RETRY}"
    ),
    Reason.UNIT_UNCLEAR: Explanation(
        IT,
        "A quantity cannot be turned into the ERP's unit without rounding, or its factor is not known.",
        HELD,
        f"Set the unit of the product, or its factor, in the ERP. {RETRY}",
        (WAREHOUSE,),
    ),
    Reason.KIT_INCOMPLETE: Explanation(
        WAREHOUSE,
        f"A component of a kit is missing, so that the kit cannot be reserved. {FROM_CONNECTOR}",
        HELD,
        f"Bring the component in. {RETRY}",
    ),
    Reason.BUNDLE_UNCLEAR: Explanation(
        IT,
        "The order lists a bundle and what is in it, and no setting decides which of them the ERP keeps in stock. Or "
        "both have prices that differ, or a bundle is listed without the rows that have its price: a price would be "
        "missing on the invoice.",
        "It is held before anything is reserved or built.",
        '`bundles = "children"` reserves what is in a bundle, `bundles = "parents"` the bundle itself; invoiced is the '
        "side on which the price stands. Prices on both sides that differ are the shop's to correct. "
        "Then say `shipperone-erp order retry --reason bundle_unclear --yes`.",
        (ACCOUNTANT,),
    ),
    Reason.WAREHOUSE_UNKNOWN: Explanation(
        IT,
        "The ERP has no warehouse with ShipperOne's code. Or goods lie in another warehouse than the order's, and the "
        "connector declares no transfers.",
        HELD,
        "Map the code in the connector's settings, or create the warehouse. Without transfers, have ShipperOne ship "
        f"the order from where its goods lie. {RETRY}",
    ),
    Reason.CUSTOMER_AMBIGUOUS: Explanation(
        ACCOUNTANT,
        f"Several customers in the ERP fit this order. {FROM_CONNECTOR}",
        HELD,
        f"Merge or tell them apart in the ERP. {RETRY}",
    ),
    Reason.TAX_NOT_MAPPED: Explanation(
        ACCOUNTANT, f"No tax in the ERP is mapped to this order's. {FROM_CONNECTOR}", HELD, f"Map it. {RETRY}"
    ),
    Reason.PAYMENT_NOT_MAPPED: Explanation(
        ACCOUNTANT,
        f"No payment in the ERP is mapped to this order's method. {FROM_CONNECTOR}",
        HELD,
        f"Map it. {RETRY}",
    ),
    Reason.PRICE_MISSING: Explanation(
        IT,
        "ShipperOne gives an item neither a row total nor a price. Absent is not zero, so no invoice is made; a gift "
        "that is listed at 0 is invoiced at 0.00.",
        "It is held: nothing happens to it until an operator acts, or until ShipperOne lists the price.",
        "If the price stands elsewhere in the order, name the place as `price_incl_tax` or `row_total_incl_tax` in "
        f"[tenants.NAME.fields]. {RETRY}",
        (SHIPPERONE,),
    ),
    Reason.SHIPPING_MISSING: Explanation(
        IT,
        "ShipperOne gives no shipping amount. Absent is not zero, so no invoice is made; free shipping is listed as 0.",
        "It is held: nothing happens to it until an operator acts, or until ShipperOne lists the amount.",
        "If it stands elsewhere in the order, name the place as `shipping_amount_incl_tax` in [tenants.NAME.fields]. "
        f"{RETRY}",
    ),
    Reason.CURRENCY_MISSING: Explanation(
        IT,
        "The order says no currency, and the tenant has none set.",
        HELD,
        f'Set `currency = "EUR"` for the tenant, or name the place as `currency` in [tenants.NAME.fields]. {RETRY}',
    ),
    Reason.CURRENCY_DIFFERS: Explanation(
        ACCOUNTANT,
        "The order, or the invoice, is in another currency than the tenant's `currency` and `currencies` allow.",
        HELD,
        f'If it is right, add it: `currencies = ["CZK"]`; else correct it in the shop or the ERP. {RETRY}',
    ),
    Reason.TOTAL_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice comes to another amount than what shipped, or the ERP tells no total of it and `not_compared` is "
        "`hold`. ShipperOne was not asked.",
        "One that differs was built again up to three times with the same result; now it is held.",
        "Compare both sides in `order show ID`; correct prices or rounding in the ERP, have it tell its total, or set "
        f'`not_compared = "accept"`. {RETRY}',
    ),
    Reason.AMOUNT_UNEXPLAINED: Explanation(
        ACCOUNTANT,
        "Lines, shipping and charges do not add up to the order's total, or an amount has more decimals than its "
        "currency: a coupon, a gift card, a fee, a discount or a rounding that no setting names. Or nothing proves "
        "whether rows are before or after their discount. Or a part lists the row, the discount or the sum of more "
        "than itself. The sentence has the sums, of a part with every invoice of the order.",
        "It is held: nothing is built, and a draft that was built is not sent. It resumes by itself once a charge that "
        "is named, or `discount`, explains it.",
        'Name a coupon or a fee in [[tenants.NAME.charges]] with `kind = "line"`, a gift card with `kind = '
        '"payment"`; set `discount` to how rows count; allow a cent with `tolerance`. '
        f"docs/amounts.md has an example of each. {RETRY} One order that is right as it is: "
        "`order approve ID --total T`; a credit note that was made: `order credited ID`.",
    ),
    Reason.SHIPPING_DIFFERS: Explanation(
        ACCOUNTANT,
        "The shipping amount of the invoice is not ShipperOne's.",
        "It was built again up to three times; now it is held.",
        f"Correct shipping in the ERP, or have ShipperOne correct the order. {RETRY}",
    ),
    Reason.SHIPPING_REPEATED: Explanation(
        ACCOUNTANT,
        "This part of an order lists the same shipping, or the same charge, that an earlier invoice of it carried, or "
        "an invoice of another fulfillment order of the same sales order.",
        "It is held: nothing is built and nothing is sent. It resumes by itself once ShipperOne lists it otherwise.",
        f'If the customer pays it with every part, set `shipping_on_parts = "as_listed"`. {RETRY} Else have ShipperOne '
        "list it on one part only.",
    ),
    Reason.TAX_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice has another tax than the shop used. ShipperOne was not asked.",
        "It was built again up to three times; now it is held.",
        f"Correct the product's tax, or the mapping of taxes, in the ERP. {RETRY}",
    ),
    Reason.VAT_ID_INVALID: Explanation(
        ACCOUNTANT,
        f"The buyer's VAT id is not valid, and the tax would differ by it. {FROM_CONNECTOR}",
        HELD,
        f"Have the customer's VAT id corrected or removed in the shop, or correct the customer in the ERP. {RETRY} To "
        "invoice the order without it: `order approve ID --without-vat --note …`.",
    ),
    Reason.DATE_IMPLAUSIBLE: Explanation(
        ACCOUNTANT,
        "The invoice would be of a day of supply that cannot be true: ShipperOne lists a `shipped_at` that is no date, "
        "is later than the order's first listing by more than a day, is earlier than its allocation was accepted by "
        "more than a day, or, without an allocation in the ledger, is older than `oldest_date`. The sentence has the "
        "value as it is listed.",
        "No invoice is built, sent or issued of that day. It resumes by itself once ShipperOne lists a date that can "
        "be true; what ShipperOne has accepted already is looked at again before it is issued.",
        "Have the date corrected at ShipperOne. Or set the true day with `shipperone-erp order supply-date ID --date D "
        '--note …`. If dates without an offset are local times, set `dates_without_zone = "tenant"`; if parcels are '
        "older than a year, `oldest_date`.",
    ),
    Reason.ITEMS_CHANGED: Explanation(
        NOBODY,
        "Items or quantities are not what they were, or the ERP's are not ShipperOne's.",
        "The order is read again, what was made is undone, and it starts anew; if that cannot be, it is held. An order "
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
        "If the field stands elsewhere, name the place in [tenants.NAME.fields]; else ask ShipperOne. If an id is "
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
        "ShipperOne is not asked and nothing is issued. If the order changes, or the draft, it is asked for anew.",
        "Look at the draft, then `shipperone-erp order approve ID`. To have it made anew: `order retry ID --rebuild`.",
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


def find(name: str) -> Reason:
    """The reason of that name; UsageError with the nearest one."""
    try:
        return Reason(name)
    except ValueError:
        near = difflib.get_close_matches(name, list(Reason), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no reason {name}; {hint}`shipperone-erp explain` lists them") from None


def explain(name: str) -> str:
    """The page of a reason, for operators."""
    reason = find(name)
    said = EXPLANATIONS[reason]
    return (
        f"{reason}\n\n{said.means}\n\nWhose move: {whose_move(said)}\nMeanwhile:  {said.meanwhile}\n"
        f"Cure:       {said.cure}"
    )


def whose_move(said: Explanation) -> str:
    """'shipperone, or it: `order show ID` names it'"""
    if not said.other_owners:
        return said.owner.value
    return f"{said.owner}, or {' or '.join(said.other_owners)}: `order show ID` names it"


def as_json(name: str) -> dict[str, str | list[str]]:
    """The page of a reason, for scripts."""
    reason = find(name)
    said = EXPLANATIONS[reason]
    return {
        "reason": reason.value,
        "owner": said.owner.value,
        "other_owners": [owner.value for owner in said.other_owners],
        "means": said.means,
        "meanwhile": said.meanwhile,
        "cure": said.cure,
    }


def page() -> str:
    """docs/reasons.md."""
    parts = ["# Reasons", "", "Why an order waits or is held, and what cures it: what `shipperone-erp explain` shows."]
    for reason, said in EXPLANATIONS.items():
        parts += [
            "",
            f"## `{reason}`",
            "",
            said.means,
            "",
            f"Whose move: {whose_move(said)}.",
            "",
            said.meanwhile,
            "",
            said.cure,
        ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
