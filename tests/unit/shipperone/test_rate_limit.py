"""The pace of requests under a rate limit, in a time that is skipped: every confirmation is sent in the end."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from shipperone_erp.shipperone.rate_limit import Kind, Pacing
from skipped_time import TimeOf


class SkippedTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    def time(self) -> float:
        return super().time() + getattr(self, "skipped", 0.0)

    def _run_once(self) -> None:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not self._ready and scheduled:  # type: ignore[attr-defined]
            self.skipped += max(0.0, scheduled[0].when() - self.time())
        super()._run_once()  # type: ignore[misc]


def in_skipped_time(use: Callable[[Callable[[], float]], Any]) -> Any:
    loop = SkippedTime()
    try:
        return loop.run_until_complete(use(loop.time))
    finally:
        loop.close()


class Bucket:
    """A limiter: `rate` requests a second, `burst` at once, `retry_after` in its 429."""

    def __init__(self, now: Callable[[], float], rate: float, burst: float, retry_after: float | None) -> None:
        self.now, self.rate, self.burst, self.retry_after = now, rate, burst, retry_after
        self.tokens, self.at = burst, now()
        self.served: Counter[Kind] = Counter()
        self.refused = 0
        self.at_once = self.most_at_once = 0

    async def ask(self, pace: Pacing, kind: Kind) -> bool | None:
        """Served, refused, or (None) not even sent."""
        async with pace.turn(kind) as wait:
            if wait is not None:
                return None
            began = self.now()
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await asyncio.sleep(0.02)
            self.at_once -= 1
            self.tokens = min(self.burst, self.tokens + (self.now() - self.at) * self.rate)
            self.at = self.now()
            if self.tokens < 1:
                self.refused += 1
                pace.answered(began, throttled=True, retry_after=self.retry_after)
                return False
            self.tokens -= 1
            self.served[kind] += 1
            pace.answered(began)
            return True

    async def insist(self, pace: Pacing, kind: Kind) -> None:
        while not (answer := await self.ask(pace, kind)):
            if answer is None:
                await asyncio.sleep(5)


@pytest.mark.case("H12")
@pytest.mark.parametrize("retry_after", [1.0, 0.0, 5.0, None])
def test_one_request_a_second_is_used_for_confirmations(retry_after: float | None) -> None:
    async def use(now: Callable[[], float]) -> Bucket:
        pace, bucket = Pacing(time=TimeOf(monotonic=now)), Bucket(now, 1.0, 2.0, retry_after)
        work = [asyncio.ensure_future(bucket.insist(pace, Kind.CONFIRMATION)) for _ in range(32)]
        await asyncio.sleep(90)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        return bucket

    bucket: Bucket = in_skipped_time(use)
    if retry_after is None:
        # nothing but the refusals themselves tells the rate
        assert bucket.served[Kind.CONFIRMATION] >= 20
    else:
        assert bucket.served[Kind.CONFIRMATION] >= 32 or retry_after > 1
        assert bucket.served[Kind.CONFIRMATION] >= 14
    assert bucket.refused < bucket.served.total() + 32, "the first burst, then seldom"


@pytest.mark.case("H12")
def test_reads_and_confirmations_take_turns() -> None:
    async def use(now: Callable[[], float]) -> Bucket:
        pace, bucket = Pacing(time=TimeOf(monotonic=now)), Bucket(now, 1.0, 2.0, 1.0)
        kinds = [Kind.READ] * 200 + [Kind.CONFIRMATION] * 200
        work = [asyncio.ensure_future(bucket.insist(pace, kind)) for kind in kinds]
        await asyncio.sleep(600)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        return bucket

    served = in_skipped_time(use).served
    assert served.total() > 250
    assert abs(served[Kind.READ] - served[Kind.CONFIRMATION]) < 40


@pytest.mark.case("H12")
def test_after_a_requested_pause_one_request_is_sent_as_a_probe() -> None:
    async def use(now: Callable[[], float]) -> list[float]:
        pace = Pacing(time=TimeOf(monotonic=now))
        pace.answered(now(), throttled=True, retry_after=10.0)
        began = now()
        sent: list[float] = []

        async def one() -> None:
            async with pace.turn(Kind.READ) as wait:
                assert wait is None
                sent.append(now() - began)
                await asyncio.sleep(3)
                pace.answered(now() - 3)

        await asyncio.gather(*(one() for _ in range(4)))
        return sent

    sent = in_skipped_time(use)
    assert sent[0] == pytest.approx(10, abs=0.1)
    assert sent[1] == pytest.approx(13, abs=0.1), "the probe is answered first"
    assert sent[2] < 14.1, "then they follow at the pace, not each after the other's answer"


@pytest.mark.case("H12")
def test_a_server_that_throttled_once_is_soon_used_as_before() -> None:
    async def use(now: Callable[[], float]) -> tuple[float, int]:
        pace, bucket = Pacing(time=TimeOf(monotonic=now)), Bucket(now, 1e9, 1e9, 1.0)
        pace.answered(now(), throttled=True, retry_after=1.0)
        began = now()
        await asyncio.gather(*(bucket.insist(pace, Kind.CONFIRMATION) for _ in range(500)))
        return now() - began, bucket.most_at_once

    took, at_once = in_skipped_time(use)
    assert took < 15
    assert at_once > 100


@pytest.mark.case("H12")
def test_a_long_requested_pause_is_reported_instead_of_awaited() -> None:
    async def use(now: Callable[[], float]) -> tuple[float | None, float]:
        pace = Pacing(time=TimeOf(monotonic=now))
        pace.answered(now(), throttled=True, retry_after=3600.0)
        began = now()
        async with pace.turn(Kind.CONFIRMATION) as wait:
            return wait, now() - began

    wait, took = in_skipped_time(use)
    assert wait == pytest.approx(3600, abs=1)
    assert took < 1


@pytest.mark.case("H12")
def test_a_burst_of_refusals_slows_the_pace_once() -> None:
    async def use(now: Callable[[], float]) -> float:
        pace = Pacing(time=TimeOf(monotonic=now))
        began = now()
        await asyncio.sleep(0.5)
        for _ in range(30):
            pace.answered(began, throttled=True, retry_after=1.0)
        await asyncio.sleep(1.5)
        async with pace.turn(Kind.READ):
            pace.answered(now())
        began = now()
        async with pace.turn(Kind.READ) as wait:
            assert wait is None
        return now() - began

    assert in_skipped_time(use) < 1.1


@pytest.mark.case("H12")
def test_a_cancelled_waiter_blocks_no_other() -> None:
    async def use(now: Callable[[], float]) -> int:
        pace, bucket = Pacing(time=TimeOf(monotonic=now)), Bucket(now, 1e9, 1e9, 1.0)
        pace.answered(now(), throttled=True, retry_after=2.0)
        work = [asyncio.ensure_future(bucket.insist(pace, Kind.READ)) for _ in range(10)]
        await asyncio.sleep(1)
        work[0].cancel()
        await asyncio.sleep(1.005)
        work[1].cancel()  # it is the probe, and on its way
        await asyncio.gather(*work, return_exceptions=True)
        return bucket.served.total()

    assert in_skipped_time(use) == 8
