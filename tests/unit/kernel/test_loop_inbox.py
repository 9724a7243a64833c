"""Calls from other threads into an event loop: all arrive, in order, however few wake-ups they take."""

import asyncio
import gc
import threading
import weakref

from shipperone_erp.kernel.loop_inbox import LoopInbox


def test_every_call_of_many_threads_arrives_and_each_thread_keeps_its_order():
    async def go():
        loop = asyncio.get_running_loop()
        inbox, done, came = LoopInbox(loop), asyncio.Event(), []
        threads, each = 8, 500

        def arrived(thread, number):
            came.append((thread, number))
            if len(came) == threads * each:
                done.set()

        def put(thread):
            for number in range(each):
                inbox.put(lambda number=number: arrived(thread, number))

        workers = [threading.Thread(target=put, args=(thread,)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        await asyncio.wait_for(done.wait(), 20)
        for worker in workers:
            worker.join()
        for thread in range(threads):
            assert [number for of, number in came if of == thread] == list(range(each))

    asyncio.run(go())


def test_entries_gathered_while_the_loop_was_busy_need_one_wake_up():
    class Counted(asyncio.SelectorEventLoop):
        wakes = 0

        def call_soon_threadsafe(self, *args, **kwargs):
            self.wakes += 1
            return super().call_soon_threadsafe(*args, **kwargs)

    async def go(loop):
        inbox, came = LoopInbox(loop), []
        worker = threading.Thread(target=lambda: [inbox.put(lambda n=n: came.append(n)) for n in range(100)])
        worker.start()
        worker.join()
        await asyncio.sleep(0)
        assert came == list(range(100))
        assert loop.wakes == 1
        inbox.put(lambda: came.append("later"))
        await asyncio.sleep(0)
        assert came[-1] == "later"

    loop = Counted()
    try:
        loop.run_until_complete(go(loop))
    finally:
        loop.close()


def test_a_call_that_raises_hinders_no_other():
    async def go():
        loop, reported = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda loop, context: reported.append(context["exception"]))
        inbox, came = LoopInbox(loop), []
        fault = ValueError("a fault")

        def faulty():
            raise fault

        inbox.put(faulty)
        inbox.put(lambda: came.append(1))
        await asyncio.sleep(0)
        assert (came, reported) == ([1], [fault])

    asyncio.run(go())


def test_a_call_after_the_loop_was_closed_is_dropped():
    loop = asyncio.new_event_loop()
    inbox = LoopInbox(loop)
    loop.close()
    inbox.put(lambda: None)


def test_a_loop_has_one_inbox_which_ends_with_it():
    async def go():
        inbox = LoopInbox.of_running_loop()
        assert LoopInbox.of_running_loop() is inbox
        return inbox, weakref.ref(asyncio.get_running_loop())

    first, loop = asyncio.run(go())
    second, _ = asyncio.run(go())
    assert first is not second
    gc.collect()
    assert loop() is None, "nothing keeps a loop that has ended"
    first.put(lambda: None)  # dropped
