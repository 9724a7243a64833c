"""Several tenants, runtimes and processes: a fault of one affects no other, and no effect is repeated."""

import asyncio
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest

from installed_plugins import InstalledPlugins
from ledger_databases import lease_of
from shipperone_erp.config import Configuration, TenantSettings, load
from shipperone_erp.domain.exit_codes import Ended, Ending
from shipperone_erp.domain.hook_answers import Transient
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Lease
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.circuit_breaker import ErpBreaker
from shipperone_erp.engine.cycle import StageCycle
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.tenant import TenantRuntime
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox, SandboxOrder, generate
from shipperone_erp.shipperone.client import ShipperOne
from skipped_time import TimeOf

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def order(order_id: str = "FO-1", sku: str = "MUG", **fields) -> SandboxOrder:
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"), **fields)


def once(world, settle_for: float = 8.0) -> dict[str, Ended]:
    return run_once(load(world.write(), environment=world.environment), settle_for)


def run_once(configuration: Configuration, settle_for: float) -> dict[str, Ended]:
    async def go() -> dict[str, Ended]:
        async with Runtime(configuration) as runtime:
            return await runtime.once(settle_for=timedelta(seconds=settle_for))

    return asyncio.run(go())


def second_tenant(world, sandbox: Sandbox, *lines: str, connector: str = "counting") -> None:
    world.environment["SHOP_TOKEN"] = sandbox.token
    world.more = "\n".join(
        [
            f'[tenants.shop]\nbase_url = "{sandbox.base_url}"\ntoken = {{ env = "SHOP_TOKEN" }}\ngo_live = "now"',
            f'connector = "{connector}"\nsettle = "0.3s"\n[tenants.shop.{connector}]',
            *lines,
            "",
        ]
    )


@pytest.mark.case("D4")
def test_eight_workers_on_the_same_200_orders_do_each_once(world):
    for entry in generate(200, seed=4):
        world.sandbox.add(entry)
    world.settings["concurrency"] = "8"
    configuration = load(world.write(), environment=world.environment)
    with ThreadPoolExecutor(8) as workers:
        endings = [ended["acme"].ending for ended in workers.map(lambda _: run_once(configuration, 30.0), range(8))]
    assert Ending.FINISHED in endings
    assert set(endings) <= {Ending.FINISHED, Ending.FAILED}
    orders = [f"{entry.order_id}" for entry in generate(200, seed=4)]
    assert all(world.sandbox.order(order_id).allocations == 1 for order_id in orders)
    assert Counter(row[0] for row in world.erp.ask("SELECT hook FROM effects WHERE hook = 'reserve_stock'")) == {
        "reserve_stock": 200
    }
    assert world.erp.ask("SELECT COUNT(*), COUNT(DISTINCT key) FROM effects WHERE hook = 'issue_invoice'") == [
        (sum(len(world.sandbox.order(order_id).invoices) for order_id in orders),) * 2
    ]
    assert not world.stuck()


def test_both_stages_on_a_postgresql_ledger(world, postgresql_url):
    world.runtime_settings["ledger"] = f'"{postgresql_url}"'
    for entry in generate(30, seed=2):
        world.sandbox.add(entry)
    assert once(world)["acme"].ending is Ending.FINISHED
    with Ledger.open(postgresql_url, read_only=True) as ledger:
        jobs = ledger.find_jobs()
    assert {job.state for job in jobs} == {State.DONE}
    assert sum(1 for job in jobs if job.stage is A) == 30
    assert len(world.erp.issued()) == sum(1 for job in jobs if job.stage is I)
    assert once(world)["acme"].ending is Ending.FINISHED
    assert world.erp.effects("reserve_stock") == 30


def test_two_tenants_share_nothing_but_the_process(world):
    with Sandbox(token="another-token") as shop:
        shop.auto_ship = True
        shop.add(order("FO-1", first_id=77))
        world.sandbox.add(order("FO-1"))
        second_tenant(world, shop, f'database = "{world.folder}/shop.db"')
        from world import Erp

        shops = Erp(world.folder / "shop.db")
        endings = once(world)
        assert {name: ended.ending for name, ended in endings.items()} == dict.fromkeys(
            ("acme", "shop"), Ending.FINISHED
        )
        assert (world.erp.issued(), shops.issued()) == (["1:2"], ["77:2"])
        assert len(shop.order("FO-1").invoices) == len(world.sandbox.order("FO-1").invoices) == 1


@pytest.mark.case("G4")
def test_one_erp_for_two_stores_with_the_same_order_id_makes_two_of_everything(world):
    with Sandbox(token="another-token") as shop:
        shop.auto_ship = True
        shop.add(order("FO-1"))
        world.sandbox.add(order("FO-1"))
        second_tenant(world, shop, f'database = "{world.erp.file}"')
        once(world)
    assert world.erp.effects("reserve_stock", "FO-1") == 2
    assert len(world.erp.issued("FO-1")) == 2


def test_a_tenant_whose_erp_hangs_or_fails_slows_no_other_tenant(world):
    with Sandbox(token="another-token") as shop:
        shop.auto_ship = True
        for number in range(5):
            shop.add(order(f"FO-{number}"))
            world.sandbox.add(order(f"FO-{number}"))
        from world import Erp

        shops = Erp(world.folder / "shop.db")
        shops.script("*", "hang", times=50, detail="3")
        second_tenant(world, shop, f'database = "{world.folder}/shop.db"')
        world.more = world.more.replace("settle = ", 'hook_timeout = "0.5s"\nsettle = ')
        ended = once(world, 1.0)
        assert ended["acme"].ending is Ending.FINISHED
        assert len(world.erp.issued()) == 5
        assert shops.issued() == []
        assert ended["shop"].ending is Ending.ERP
        assert "5 order(s) wait for an answer of the ERP; allocation of FO-" in ended["shop"].sentence
        assert "no answer within 0.5 s; the same call is repeated with the same key" in ended["shop"].sentence


def test_a_fault_of_our_own_ends_one_tenants_run_and_no_others(world, monkeypatch, caplog):
    with Sandbox(token="another-token") as shop:
        shop.auto_ship = True
        shop.add(order())
        world.sandbox.add(order())
        second_tenant(world, shop, f'database = "{world.erp.file}"')
        cycle = StageCycle.cycle

        async def broken(self, *args, **options):
            if self.tenant == "shop":
                raise ZeroDivisionError("a fault of ours")
            return await cycle(self, *args, **options)

        monkeypatch.setattr(StageCycle, "cycle", broken)
        ended = once(world)
    assert ended["acme"].ending is Ending.FINISHED
    assert ended["shop"] == Ended(
        Ending.FAILED, "a bug in shipperone-erp, ZeroDivisionError: the traceback is in the log"
    )


def test_two_runtimes_live_in_one_process(world):
    with Sandbox(token="another-token") as shop:
        shop.auto_ship = True
        shop.add(order("FO-SHOP"))
        world.sandbox.add(order("FO-ACME"))
        acme = load(world.write(), environment=world.environment)
        world.runtime_settings["ledger"] = '"sqlite:///of-another.db"'
        second_tenant(world, shop, f'database = "{world.erp.file}"')
        other = load(world.write(), environment=world.environment)

        async def go():
            async with Runtime(acme) as one, Runtime(other, tenants=["shop"]) as two:
                return await asyncio.gather(one.once(), two.once())

        one, two = asyncio.run(go())
    assert (one["acme"].ending, two["shop"].ending) == (Ending.FINISHED, Ending.FINISHED)
    assert len(world.erp.issued("FO-ACME")) == len(world.erp.issued("FO-SHOP")) == 1


WATCHED = """
import threading, time

class WatchedSettings(ConnectorSettings):
    name: str = ""

RUNNING, MOST, LOCK = set(), [], threading.Lock()

class Plugged(Connector[WatchedSettings]):
    def exclusive(self):
        return self.settings.name or None

    @hookimpl
    def reserve_stock(self, request):
        with LOCK:
            RUNNING.add(request.key)
            MOST.append(len(RUNNING))
        time.sleep(0.02)
        with LOCK:
            RUNNING.discard(request.key)
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty) for item in order.items)
        return Invoice(None, lines, order.shipping_amount_incl_tax, order.total_incl_tax)

    @hookimpl
    def issue_invoice(self, request):
        from dataclasses import replace
        return replace(request.invoice, reference="I", issued=True, number=request.key)
"""


@pytest.mark.parametrize(("name", "at_once"), [("one-stock", False), ("", True)])
def test_an_exclusive_name_holds_across_tenants(world, plugins: InstalledPlugins, name, at_once):
    plugins.install("watched", WATCHED)
    with Sandbox(token="another-token") as shop:
        for number in range(8):
            shop.add(order(f"FO-{number}"))
            world.sandbox.add(order(f"FO-{number}"))
        second_tenant(world, shop, f'name = "{name}"', connector="watched")
        world.settings["connector"] = '"watched"'
        world.erp_settings = {"name": f'"{name}"'}
        once(world, 3.0)
    most = sys.modules["watched_module"].MOST
    assert len(most) == 16
    assert (max(most) > 1) is at_once


def test_orders_that_wait_for_an_exclusive_name_in_vain_are_repeated_without_back_off(world, plugins: InstalledPlugins):
    """Their delays would grow with each attempt, long past the moment in which the name is free again."""
    plugins.install("watched", WATCHED.replace("time.sleep(0.02)", "time.sleep(0.3)"))
    for number in range(8):
        world.sandbox.add(order(f"FO-{number}"))
    world.settings |= {"connector": '"watched"', "hook_timeout": '"0.5s"'}
    world.erp_settings = {"name": '"one-stock"'}
    changes: list[Job] = []

    async def go() -> None:
        configuration = load(world.write(), environment=world.environment)
        async with Runtime(configuration, observers=[lambda before, after: changes.append(after)]) as runtime:
            await runtime.once(settle_for=timedelta(seconds=30))

    asyncio.run(go())
    waited = [job for job in changes if job.reason is Reason.ERP_UNAVAILABLE]
    assert {job.sentence for job in waited} == {
        "calls of other orders held the exclusive lock one-stock for 0.5 s; this call is repeated"
    }
    assert {job.attempts for job in waited} == {0}
    assert len(sys.modules["watched_module"].MOST) == 8
    assert all(world.sandbox.order(f"FO-{number}").allocations == 1 for number in range(8))


def test_an_exclusive_name_holds_across_processes_on_one_ledger(world, plugins: InstalledPlugins):
    """Two runtimes with two tenants each of their own on one ledger: as two workers have it."""
    plugins.install("watched", WATCHED)
    with Sandbox(token="another-token") as shop:
        for number in range(8):
            shop.add(order(f"FO-{number}"))
            world.sandbox.add(order(f"FO-{number}"))
        second_tenant(world, shop, 'name = "one-stock"', connector="watched")
        world.settings["connector"] = '"watched"'
        world.erp_settings = {"name": '"one-stock"'}
        configuration = load(world.write(), environment=world.environment)
        began = threading.Barrier(2)

        def worker(tenant: str) -> Ended:
            async def go() -> Ended:
                async with Runtime(configuration, tenants=[tenant]) as runtime:
                    began.wait()
                    return (await runtime.once(settle_for=timedelta(seconds=5)))[tenant]

            return asyncio.run(go())

        with ThreadPoolExecutor(2) as workers:
            ended = list(workers.map(worker, ["acme", "shop"]))
    assert [each.ending for each in ended] == [Ending.FINISHED] * 2
    most = sys.modules["watched_module"].MOST
    assert (len(most), max(most)) == (16, 1)


def test_both_stages_at_once_call_identity_once(world, plugins: InstalledPlugins):
    plugins.install("watched", WATCHED + "\nASKED = []\ndef identity(self):\n    ASKED.append(1)\n"
                    "    time.sleep(0.1)\n    return 'erp'\nPlugged.identity = identity\n")  # fmt: skip
    world.settings["connector"] = '"watched"'
    world.erp_settings = {}

    async def go() -> None:
        async with Runtime(world.read()) as runtime:
            (tenant,) = runtime.tenants
            await asyncio.gather(tenant.bind(), tenant.bind())

    asyncio.run(go())
    assert sys.modules["watched_module"].ASKED == [1]


@pytest.mark.case("B14")
def test_every_named_field_reaches_the_connector(world, plugins: InstalledPlugins):
    plugins.install("watched", WATCHED + "\nSEEN = []\nfirst = Plugged.build_invoice\n"
                    "@hookimpl\ndef build_invoice(self, request):\n    SEEN.append(request.order)\n"
                    "    return first(self, request)\nPlugged.build_invoice = build_invoice\n")  # fmt: skip
    world.settings["connector"] = '"watched"'
    world.erp_settings = {}
    world.more = (
        '[tenants.acme.fields]\norder_number = "magento.increment_id"\npayment_method = "payment.method"\n'
        '"customer.vat_id" = "buyer.taxvat"\n"billing.city" = "addresses.billing.town"\nshipped_at = "shipment.at"\n'
    )
    shipped = datetime.now(UTC).replace(microsecond=0)
    world.sandbox.add(order())
    world.sandbox.change(
        "FO-1",
        lambda raw: {
            **raw,
            "magento": {"increment_id": "000000123"},
            "payment": {"method": "checkmo"},
            "buyer": {"taxvat": "SK2020202020"},
            "addresses": {"billing": {"town": "Bratislava"}},
            "shipment": {"at": shipped.astimezone(timezone(timedelta(hours=1))).isoformat()},
            "gift": {"message": "hello"},
        },
    )
    world.finishes()
    (seen,) = sys.modules["watched_module"].SEEN
    assert (seen.order_number, seen.payment_method) == ("000000123", "checkmo")
    assert (seen.customer.vat_id, seen.billing.city) == ("SK2020202020", "Bratislava")
    assert seen.shipped_at == shipped
    assert seen.shipped_at.tzinfo is UTC
    assert seen.extra["gift"] == {"message": "hello"}


def test_both_stages_share_one_connector(world):
    async def go():
        async with Runtime(world.read()) as runtime:
            (tenant,) = runtime.tenants
            one, two = await asyncio.gather(tenant.open(), tenant.open())
            return one is two

    assert asyncio.run(go())


def renewed(world):
    """The configuration before and after the ERP's password was changed."""
    world.erp_settings["password"] = '{ env = "ERP_PASSWORD" }'
    world.environment["ERP_PASSWORD"] = "old"
    before = world.read()
    world.environment["ERP_PASSWORD"] = "new"
    return before, world.read()


def test_a_connector_that_was_being_made_when_its_secrets_were_renewed_is_not_used(world):
    before, after = renewed(world)

    async def go():
        async with Runtime(before) as runtime:
            (tenant,) = runtime.tenants
            opening = asyncio.create_task(tenant.open())
            await asyncio.sleep(0)
            tenant.renew(after.tenants["acme"])
            await opening
            plugins = await tenant.open()
            return plugins._connector.settings.password.get_secret_value()

    assert asyncio.run(go()) == "new"


@dataclass
class Renewing:
    """A tenant that is served while its ERP's password is changed; `closed` once its connector of before is closed."""

    runtime: Runtime
    tenant: TenantRuntime
    after: TenantSettings
    closed: threading.Event = field(default_factory=threading.Event)
    leases: dict[Stage, Lease] = field(default_factory=dict)

    async def begin(self, *stages):
        """Their cycles begin, with the connector of now; a lease that stands is kept."""
        await self.tenant.bind()
        for stage in stages:
            if stage not in self.leases:
                self.leases[stage] = await self.runtime._keeper.take(f"acme/{stage}")
            await self.tenant.stage(stage, self.leases[stage])

    def renew(self):
        self.tenant.renew(self.after)


@asynccontextmanager
async def renewing(world):
    before, after = renewed(world)
    async with Runtime(before) as runtime:
        (tenant,) = runtime.tenants
        plugins = await tenant.open()
        made = Renewing(runtime, tenant, after.tenants["acme"])
        plugins._connector.close = made.closed.set
        yield made


def test_a_connector_of_before_is_closed_once_both_stages_work_with_the_new_one(world):
    async def go():
        async with renewing(world) as it:
            await it.begin(*Stage)
            it.renew()
            await it.begin(Stage.ALLOCATION)
            assert not it.closed.wait(0.2), "the invoices' cycles still work with it"
            await it.begin(Stage.INVOICE)
            return await asyncio.to_thread(it.closed.wait, 5)

    assert asyncio.run(go())


def test_the_previous_connector_is_closed_once_no_stage_uses_it_even_while_another_is_on_standby(world):
    """The invoices are served by another process all the while: this one will never begin their cycles."""

    async def go():
        async with renewing(world) as it:
            await it.begin(Stage.ALLOCATION)
            it.renew()
            await it.begin()
            assert not it.closed.wait(0.2), "the cycles of before still have a call under way, perhaps"
            it.tenant.stage_released(Stage.ALLOCATION)
            return await asyncio.to_thread(it.closed.wait, 5)

    assert asyncio.run(go())


def test_an_exclusive_name_is_kept_by_a_hook_that_still_hangs_when_the_service_stops(world):
    world.settings |= {"poll_interval": '"0.3s"', "hook_timeout": '"0.5s"'}
    world.erp_settings["exclusive"] = '"stock"'
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "hang", detail="120")

    async def go():
        stopping = asyncio.Event()
        async with Runtime(world.read()) as runtime:
            serving = asyncio.create_task(runtime.serve(stopping))
            while world.erp.ask("SELECT times FROM script") != [(0,)]:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.7)
            stopping.set()
            await asyncio.wait([serving], timeout=0.5)
            serving.cancel()
            await asyncio.wait([serving])

    asyncio.run(go())
    with world.ledger() as ledger:
        lease = lease_of(ledger, "exclusive:stock")
    assert lease is not None
    assert lease.owner is not None, "its hook still runs"


def test_a_ledger_that_is_away_at_the_end_keeps_nothing_open(world, monkeypatch):
    closed, close = [], ShipperOne.aclose

    async def closing(client):
        await close(client)
        closed.append(client)

    monkeypatch.setattr(ShipperOne, "aclose", closing)

    class Away(Ledger):
        gone = False

        def give_back(self, lease):
            if type(self).gone:
                raise LedgerError("the ledger is away")
            super().give_back(lease)

    async def go():
        async with Runtime(world.read(), open_ledger=lambda url: Away.open(url, migrate=True)) as runtime:
            await runtime._keeper.take("acme/allocation")
            Away.gone = True
        return runtime

    (tenant,) = asyncio.run(go()).tenants
    assert closed == [tenant._client]


def test_a_tenant_whose_slots_all_hang_stops_no_other_when_it_starts_over(world, monkeypatch):
    """Its suspects are tried alone: nobody else's hook begins meanwhile."""
    monkeypatch.setattr("shipperone_erp.engine.worker.STOP_WITHIN", 0.5)
    world.settings |= {"poll_interval": '"0.3s"', "hook_timeout": '"0.4s"', "concurrency": "1"}
    world.runtime_settings["lease"] = '"0.5s"'
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "hang", order="FO-1", times=9, detail="200")
    with Sandbox(token="another") as shop:
        shop.auto_ship = True
        world.more = (
            f'[tenants.shop]\nbase_url = "{shop.base_url}"\ntoken = {{ env = "SHOP_TOKEN" }}\nconnector = "counting"\n'
            'go_live = "now"\ncurrency = "EUR"\npoll_interval = "0.3s"\n'
            f'[tenants.shop.counting]\ndatabase = "{world.erp.file}"\n'
        )
        world.environment["SHOP_TOKEN"] = "another"

        async def go():
            stopping = asyncio.Event()
            async with Runtime(world.read()) as runtime:
                serving = asyncio.create_task(runtime.serve(stopping))
                while world.erp.ask("SELECT times FROM script") != [(8,)]:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(4)
                # its lease is lost, as after a freeze
                with world.ledger() as ledger:
                    held = lease_of(ledger, "acme/allocation")
                    assert held is not None
                    ledger.give_back(Lease(held.name, held.owner or "", held.number))
                await asyncio.sleep(2)
                shop.add(order("FO-9"))
                for _ in range(1200):
                    await asyncio.sleep(0.05)
                    if world.erp.delivered("FO-9"):
                        break
                done = world.erp.delivered("FO-9")
                stopping.set()
                await asyncio.wait([serving], timeout=1)
                serving.cancel()
                await asyncio.wait([serving])
                return done

        assert asyncio.run(go()) == 1


@pytest.mark.case("Q8")
def test_a_clock_set_back_during_an_outage_does_not_delay_the_next_probe(world):
    steady = [50.0]
    breaker = ErpBreaker(TimeOf(world.clock, lambda: steady[0]), lambda sentence: None, patience=1)
    breaker.failed(Transient("the ERP is restarting"))
    world.clock.ahead = -timedelta(hours=1)
    assert breaker.admits() is not None
    steady[0] += 1.1
    assert breaker.admits() is None
    world.clock.ahead = timedelta(days=1)
    assert breaker.admits() is not None, "one probe, and the next after two seconds more"


def test_a_batch_whose_every_answer_is_transient_counts_as_an_unavailable_erp(world, caplog):
    world.settings["connector"] = '"counting_batch"'
    for number in range(40):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 1, "10.00"), first_id=number * 10 + 1))
    world.erp.script("reserve_stock", "transient", times=10**6)
    with caplog.at_level("WARNING", logger="shipperone_erp.run"):
        ended = world.once(settle_for=0)
    assert ended.ending is Ending.ERP
    assert len([line for line in caplog.messages if "the ERP is not available" in line]) == 1
    world.erp.ask("DELETE FROM script")
    world.clock.ahead = timedelta(minutes=5)
    world.finishes()
