"""O: changes by operators in the ERP are noticed, and never undone."""

from shipperone_erp.domain.hook_answers import Done, Invoice, Reserved, Voided
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import NotApplicable, must, same


@case(
    "O1",
    "a reservation that an operator cancelled is Voided",
    needs="reserve_stock release_stock",
    probes="settings add_product on_hand reserved documents cancel",
    since="1.1",
    suffers="The order counts as reserved and is confirmed, although its goods were released to another order.",
    cure="Read the state of the ERP's document each time; a separate table of keys does not show changes by operators.",
)
def sees_cancelled_reservations(bench: Bench) -> None:
    """An operator cancels the reservation in the ERP: `reserve_stock` of that key answers `Voided` and reserves
    nothing, `release_stock` answers `Done` and frees nothing of another order's; the next generation is reserved."""
    desk, mug = bench.desk, bench.product(10)
    order, bystander = bench.order(bench.item(mug, 2)), bench.order(bench.item(mug, 3))
    desk.reserved(order)
    desk.reserved(bystander)
    bench.harness.cancel(desk.to_reserve(order).key)
    same(bench.stock(mug), (10, 3), "on hand and reserved, after the harness's `cancel` of 2 of 2 + 3")
    answer = desk.reserve(order)
    must(isinstance(answer, Voided), f"reserve_stock of a cancelled reservation answered {answer}, not Voided")
    same(desk.release(order), Done(), "the answer of release_stock for a cancelled reservation")
    same(bench.stock(mug), (10, 3), "on hand and reserved, after a cancelled reservation was released")
    answer = desk.reserve(order, generation=2)
    must(isinstance(answer, Reserved), f"reserve_stock of the next generation answered {answer}")
    same(bench.stock(mug), (10, 5), "on hand and reserved, with the next generation")


@case(
    "O2",
    "a draft that an operator cancelled is Voided",
    needs="build_invoice issue_invoice",
    can="drafts",
    probes="settings add_product documents cancel",
    since="1.1",
    suffers="An invoice that the accountant cancelled is issued anyway.",
    cure="Look up the draft in the ERP in issue_invoice, and return Voided if it is cancelled or missing.",
)
def sees_cancelled_drafts(bench: Bench) -> None:
    """An operator cancels or deletes the draft in the ERP: `issue_invoice` of that key answers `Voided`, and so does
    `build_invoice` if the ERP still shows the draft's existence; nothing is issued."""
    desk, order = bench.desk, bench.order()
    key = desk.to_build(order).key
    built = desk.built(order)
    if built.reference is None:
        raise NotApplicable("build_invoice writes nothing: there is no draft that an operator could cancel")
    bench.harness.cancel(key)
    kept = bench.documents(key, "voided")
    same(bench.documents(key, "draft", "issued"), [], "live documents after the harness's `cancel`")
    answer = desk.issue(built, order)
    must(isinstance(answer, Voided), f"issue_invoice of a cancelled draft answered {answer}, not Voided")
    if kept:
        answer = desk.build(order)
        must(isinstance(answer, Voided), f"build_invoice of a cancelled draft answered {answer}, not Voided")
    same(bench.documents(key, "issued"), [], "issued documents of a cancelled draft")


@case(
    "O3",
    "a draft that an operator changed is returned with its current values",
    needs="build_invoice",
    can="drafts",
    probes="settings add_product documents change_draft",
    since="1.1",
    suffers="Core compares what the ERP should contain instead of what it contains; the changed invoice is sent to "
    "the buyer.",
    cure="Return what is read back from the ERP, also if the key's draft already exists.",
)
def states_changed_drafts(bench: Bench) -> None:
    """An operator changes the draft by a cent, and `build_invoice` is repeated with its key: it returns the draft's
    present total, so that core detects the difference."""
    desk, order = bench.desk, bench.order()
    key = desk.to_build(order).key
    built = desk.built(order)
    if built.reference is None:
        raise NotApplicable("build_invoice writes nothing: there is no draft that an operator could change")
    bench.harness.change_draft(key)
    (draft,) = bench.documents(key, "draft")
    must(draft.total_incl_tax != built.total_incl_tax, "the harness's `change_draft` did not change the draft's total")
    again = desk.build(order)
    must(isinstance(again, Invoice | Voided), f"build_invoice of a changed draft answered {again}")
    if isinstance(again, Invoice):
        same(again.total_incl_tax, draft.total_incl_tax, "the stated total of a draft that an operator changed")
