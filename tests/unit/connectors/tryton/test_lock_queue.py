"""Calls of one process that need the same lock of Tryton: in their order, and for no longer than one call may take."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from shipperone_erp_tryton.lock_queue import Kept, Turns


@contextmanager
def held(turns: Turns) -> Iterator[threading.Event]:
    """A call that has its turn until the event is set."""
    working, end = threading.Event(), threading.Event()

    def work() -> None:
        with turns.turn():
            working.set()
            end.wait(20)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(work)
        working.wait(20)
        try:
            yield end
        finally:
            end.set()


def test_calls_have_their_turn_in_the_order_in_which_they_came():
    turns, order = Turns(), []

    def call(number: int) -> None:
        with turns.turn():
            order.append(number)

    with ThreadPoolExecutor(5) as threads, held(turns) as end:
        for number in range(5):
            threads.submit(call, number)
            while len(turns._calls) < number + 2:
                pass
        end.set()
    assert order == [0, 1, 2, 3, 4]


def test_a_call_waits_for_many_others_as_long_as_each_of_them_ends():
    turns, longest = Turns(0.5), threading.Event()

    def call(_: int) -> None:
        with turns.turn():
            longest.wait(0.1)

    with ThreadPoolExecutor(12) as threads:
        assert len(list(threads.map(call, range(12)))) == 12  # the last one waits for more than a second


def test_a_call_that_does_not_end_is_named_and_those_behind_it_give_up():
    turns = Turns(0.05)
    with held(turns), pytest.raises(Kept) as kept, turns.turn():
        raise AssertionError("two calls at once")
    assert str(kept.value) == (
        "another call of this service has held for 0.05 s what this call needs in Tryton; it is retried. If this persists, "
        "check Tryton's database for a transaction that does not end"
    )
    with turns.turn():
        pass  # whoever gave up is in nobody's way
