"""A queue that always changes: a lost answer is settled once a read proves it, and confirmations are not starved."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.queue_view import QueueView
from shipperone_erp.sandbox import Fault, Sandbox
from skipped_time import TimeOf
from stage_orders import act, order
from world import World

I = Stage.INVOICE  # noqa: E741


@contextmanager
def busy_shop(folder, times):
    """Pages of two orders, three of which stay; before a second page another order comes to the front, `times` times.

    The answer to the invoice of FO-1 is lost.
    """
    with Sandbox(page_size=2) as sandbox:
        world = World(folder, sandbox)
        world.erp.stock("MUG", 99)
        sandbox.add(order("FO-1"), stage="invoice")
        for number in range(3):
            world.erp.script("build_invoice", "refused", order=f"STAYS-{number}", times=9)
            sandbox.add(order(f"STAYS-{number}", first_id=100 + 10 * number), stage="invoice")
        sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
        new = iter(range(1000))

        def insert(post):
            number = next(new)
            sandbox.add(order(f"NEW-{number}", first_id=1000 + 10 * number), stage="invoice", first=True)

        sandbox.faults.add(Fault("call", action="pending_invoice", page=2, times=times, payload=insert))
        yield world


def test_a_queue_of_two_pages_with_a_new_order_between_the_passes_needs_no_operator(tmp_path):
    with busy_shop(tmp_path, times=10) as world:
        world.once(settle_for=30)
        job = world.job("FO-1", I)
        assert (job.state, job.inferred) == (State.DONE, True)
        assert job.doubt_since is not None, "some of the reads proved nothing"
        assert Reason.OUTCOME_UNKNOWN not in {after.reason for _, after in world.changes if after.state is State.HELD}
        assert len(world.erp.issued()) == len(world.sandbox.posts) == 11, "every order once"


def test_a_doubt_that_lasts_for_too_long_is_held_with_what_kept_it_from_being_proven(tmp_path):
    with busy_shop(tmp_path, times=None) as world:
        world.settings["doubt_for"] = '"1s"'
        assert world.once(settle_for=8).ending is Ending.HELD
        job = world.job("FO-1", I)
        assert (job.state, job.reason, world.erp.issued("FO-1")) == (State.HELD, Reason.OUTCOME_UNKNOWN, [])
        assert "no two reads of the queue within 1s proved whether it was accepted" in job.sentence
        assert "were added or removed between its two passes" in job.sentence
        world.sandbox.faults.clear()
        act(world, "retry", "FO-1", I)
        world.once(settle_for=4)
        assert len(world.sandbox.order("FO-1").invoices) == len(world.erp.issued("FO-1")) == 1


class _Reader:
    """Each read takes four seconds of the given clock; it notes whether a POST could begin meanwhile."""

    def __init__(self, clock):
        self.view, self.clock, self.posts = None, clock, []

    async def read(self, *, prove, posts_started):
        async def post():
            async with self.view.posting():
                pass

        try:
            await asyncio.wait_for(post(), 0.01)
            self.posts.append((prove, True))
        except TimeoutError:
            self.posts.append((prove, False))
        self.clock[0] += 4.0
        now = datetime(2026, 3, 1, tzinfo=UTC)
        return Listing(I, now, {}, (), complete=True, proves_absence=prove, alert=None)


@pytest.mark.parametrize(("pauses", "withheld"), [([0.0, 0.0], [True, False, True]), ([4.0, 4.0], [True, True, True]),
                                                  ([3.9, 4.0], [True, False, True])])  # fmt: skip
def test_posts_of_a_queue_are_held_back_for_at_most_half_of_the_time(pauses, withheld):
    async def go():
        clock = [100.0]
        reader = _Reader(clock)
        view = reader.view = QueueView(reader, TimeOf(monotonic=lambda: clock[0]))
        for pause in [*pauses, 0.0]:
            await view.read(prove=True)
            clock[0] += pause
        return reader.posts

    assert asyncio.run(go()) == [(True, not held) for held in withheld]
