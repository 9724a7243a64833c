"""U: an unreachable ERP, a silent one, or a lost response is reported by the correct error."""

from collections.abc import Callable
from typing import TypeVar

from shipperone_erp.domain.hook_answers import AuthFailed, Invoice, Refused, Reserved, Transient, Unknown
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.secrets import planted_in
from shipperone_erp.testing.findings import Finding, NotApplicable, must, same
from shipperone_erp.testing.hook_calls import in_time

AnswerT = TypeVar("AnswerT")

AWAY = "settings add_product break_connection mend_connection"


@case(
    "U1",
    "an unavailable ERP is Transient, for every hook",
    probes=AWAY,
    suffers="During maintenance of the ERP, orders are held with connector_bug, and each must be retried by hand.",
    cure="Catch the client library's connection errors in one place, around every call, and raise Transient.",
)
def tells_that_it_is_away(bench: Bench) -> None:
    """The connection is broken, for a connector that has never worked and for one that has: each hook raises
    `Transient` (or `Unknown`, if it cannot be certain that nothing happened), with a sentence. Any other exception
    is a finding, and so is an answer, except for an invoice that is only computed (`reference=None`) and needs no
    ERP."""
    order, fresh = bench.order(), bench.another()
    used = bench.desk
    requests = [
        ("reserve_stock", used.to_reserve(order)), ("build_invoice", used.to_build(order)),
        ("release_stock", used.to_release(order)), ("discard_invoice", used.to_discard(order)),
        ("deliver", used.to_deliver(order, None, order)),
    ]  # fmt: skip
    requests = [(hook, request) for hook, request in requests if hook in bench.offers]
    warm = bench.order()
    if "reserve_stock" in bench.offers:
        used.reserved(warm)
    elif "build_invoice" in bench.offers:
        used.built(warm)
    bench.harness.break_connection()
    for desk in (fresh, used):
        for hook, request in requests:
            try:
                answer = desk.ask(hook, request)
            except (Transient, Unknown) as error:
                must(error.sentence, f"{hook} raised {type(error).__name__} without a sentence")
            except (AuthFailed, Refused) as error:
                raise Finding(
                    f"{hook} reported an unavailable ERP as {type(error).__name__}: {error.sentence}"
                ) from None
            else:
                computed = isinstance(answer, Invoice) and answer.reference is None and not answer.issued
                must(computed, f"{hook} answered {answer} while the ERP is unavailable")


@case(
    "U2",
    "once the ERP is available again, the same connector works",
    probes=AWAY,
    suffers="After every restart of the ERP an operator must restart the service too.",
    cure="Open a new connection when the old one is broken; most pools can test a connection before use.",
)
def goes_on_by_itself(bench: Bench) -> None:
    """The connector has worked; the connection breaks, a hook fails, the connection is restored: the same object
    works, at the second call at the latest."""
    hook = "reserve_stock" if "reserve_stock" in bench.offers else "build_invoice"
    desk, before, after = bench.desk, bench.order(), bench.order()

    def ask(order: object) -> object:
        request = desk.to_reserve(order) if hook == "reserve_stock" else desk.to_build(order)  # type: ignore[arg-type]
        return desk.ask(hook, request)

    ask(before)
    bench.harness.break_connection()
    try:
        ask(after)
    except (Transient, Unknown):
        pass
    else:
        raise Finding(f"{hook} answered while the ERP is unavailable")
    bench.harness.mend_connection()
    try:
        answer = ask(after)
    except Transient:
        answer = ask(after)  # a pooled connection may fail once
    must(isinstance(answer, Reserved | Invoice), f"after the ERP is available again, {hook} answered {answer}")


@case(
    "U3",
    "a refused login is AuthFailed",
    probes="settings add_product",
    suffers="After a change of the ERP's password every order is held one by one, or retried without limit.",
    cure="Map the ERP's own login error (status 401, an error code) to AuthFailed before the general error.",
)
def tells_a_refused_login(bench: Bench) -> None:
    """The secrets are replaced by wrong ones: a hook raises `AuthFailed`, so that the tenant is paused and no order
    fails. Skipped for settings without a `Secret`."""
    settings, planted = planted_in(bench.validated(bench.harness.settings()))
    if not planted:
        raise NotApplicable("the harness's settings hold no Secret: nothing can be refused")
    connector, order = bench.made(settings), bench.order()
    reserves = "reserve_stock" in bench.offers
    request = bench.desk.to_reserve(order) if reserves else bench.desk.to_build(order)
    hook = connector.reserve_stock if reserves else connector.build_invoice
    try:
        answer = in_time(lambda: hook(request), hook.__name__, bench.harness.deadline)  # type: ignore[arg-type]
    except AuthFailed as error:
        must(error.sentence, "AuthFailed without a sentence")
    except (Transient, Unknown, Refused) as error:
        raise Finding(f"a wrong password was reported as {type(error).__name__}: {error.sentence}") from None
    else:
        raise Finding(f"with a wrong password {hook.__name__} answered {answer}")
    finally:
        connector.close()


@case(
    "U4",
    "a silent ERP does not block a hook forever",
    needs="reserve_stock",
    probes="settings add_product stall_connection mend_connection reserved on_hand",
    suffers="One lock in the ERP blocks all slots of the tenant; its queue stops without an error.",
    cure="Set a statement or lock time-out as well as a connect time-out.",
)
def gives_up_in_time(bench: Bench) -> None:
    """The ERP accepts the call and does not respond: the hook stops within the harness's `deadline`, with
    `Transient` or `Unknown`. Once the ERP responds again, the same key is reserved, once."""
    desk, mug = bench.desk, bench.product(10)
    order = bench.order(bench.item(mug, 2))
    desk.reserved(bench.order())
    bench.harness.stall_connection()
    try:
        answer = desk.reserve(order)
    except (Transient, Unknown) as error:
        must(error.sentence, f"{type(error).__name__} without a sentence")
    else:
        raise Finding(f"reserve_stock answered {answer} while the ERP is silent")
    finally:
        bench.harness.mend_connection()
    _reserved_after_all(bench, order)
    same(bench.stock(mug), (10, 2), "on hand and reserved, after a call that got no answer and one that did")


@case(
    "U5",
    "a lost answer is Unknown, and is resolved by the key",
    needs="reserve_stock",
    probes="settings add_product lose_answer reserved on_hand documents",
    suffers="Core assumes that nothing happened and abandons the order; its goods stay reserved.",
    cure="Raise Unknown for an error after the request was sent, and Transient only for one before it.",
)
def tells_what_it_does_not_know(bench: Bench) -> None:
    """The ERP commits, and the connection ends before its response: the hook determines the outcome by the key and
    answers, or raises `Unknown`. It never raises `Transient`, which means that certainly nothing happened, nor
    `Refused`. The same call again answers with the existing document. Likewise for an invoice that is issued."""
    desk, mug = bench.desk, bench.product(10)
    order = bench.order(bench.item(mug, 2))
    desk.reserved(bench.order())
    bench.harness.lose_answer()
    _unknown_or_answered(lambda: desk.reserve(order), "reserve_stock")
    _reserved_after_all(bench, order)
    same(bench.stock(mug), (10, 2), "on hand and reserved, after a lost answer and a repetition")
    if {"build_invoice", "issue_invoice"} <= bench.offers:
        built = desk.built(order)
        bench.harness.lose_answer()
        _unknown_or_answered(lambda: desk.issue(built, order), "issue_invoice")
        issued = desk.issue(built, order)
        must(issued.issued, "issue_invoice after a lost answer is not issued")
        made = bench.documents(desk.to_build(order).key, "issued")
        same(len(made), 1, "issued documents after a lost answer")
        bench.compare(order, issued, found=made)


@case(
    "U6",
    "a failed commit is not reported as success",
    needs="reserve_stock",
    probes="settings add_product fail_commit mend_connection reserved on_hand documents",
    since="1.1",
    suffers="While the ERP's disk is full, orders are confirmed, and nothing is reserved.",
    cure="Return the answer after the commit, and raise its error as Transient, or as Unknown if the outcome is "
    "unknown.",
)
def tells_a_failed_commit(bench: Bench) -> None:
    """The ERP accepts the change and fails to commit it: `reserve_stock` raises `Transient` or `Unknown`, and
    nothing is reserved. The same call again reserves once. Likewise for an invoice that is issued."""
    desk, mug = bench.desk, bench.product(10)
    order = bench.order(bench.item(mug, 2))
    desk.reserved(bench.order())
    bench.harness.fail_commit()
    _not_answered(lambda: desk.reserve(order), "reserve_stock")
    bench.harness.mend_connection()
    same(bench.stock(mug), (10, 0), "on hand and reserved, after a commit that failed")
    _reserved_after_all(bench, order)
    same(bench.stock(mug), (10, 2), "on hand and reserved, after a commit that failed and a repetition")
    if {"build_invoice", "issue_invoice"} <= bench.offers:
        built = desk.built(order)
        key = desk.to_build(order).key
        bench.harness.fail_commit()
        _not_answered(lambda: desk.issue(built, order), "issue_invoice")
        bench.harness.mend_connection()
        same(bench.documents(key, "issued"), [], "issued documents after a commit that failed")
        issued = _again(lambda: desk.issue(built, order))
        must(
            isinstance(issued, Invoice) and issued.issued,
            f"issue_invoice after a commit that failed answered {issued}, not an issued Invoice",
        )
        made = bench.documents(key, "issued")
        same(len(made), 1, "issued documents after a commit that failed and a repetition")
        bench.compare(order, issued, found=made)


def _not_answered(ask: object, hook: str) -> None:
    try:
        answer = ask()  # type: ignore[operator]
    except (Transient, Unknown) as raised:
        must(raised.sentence, f"{type(raised).__name__} without a sentence")
    except (AuthFailed, Refused) as raised:
        sentence = f"{hook} raised {type(raised).__name__} for a commit that failed: {raised.sentence}"
        raise Finding(sentence) from raised
    else:
        raise Finding(f"{hook} answered {answer} although the ERP could not commit it")


def _unknown_or_answered(ask: object, hook: str) -> None:
    try:
        ask()  # type: ignore[operator]
    except Unknown as error:
        must(error.sentence, "Unknown without a sentence")
    except (Transient, AuthFailed, Refused) as error:
        sentence = f"{hook} reported a lost answer as {type(error).__name__} ({error.sentence}), but it took effect"
        raise Finding(f"{sentence}: raise Unknown, or look for the key") from None


def _reserved_after_all(bench: Bench, order: object) -> None:
    _again(lambda: bench.desk.reserved(order))  # type: ignore[arg-type]


def _again(ask: Callable[[], AnswerT]) -> AnswerT:
    """The hook's answer; a pooled connection may fail once."""
    try:
        return ask()
    except Transient:
        return ask()
