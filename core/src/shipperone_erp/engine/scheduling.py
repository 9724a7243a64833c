"""The tenants that this process serves: a port, and the scheduler of a process that serves them all.

A scheduler starts and ends tenants on a host and does not depend on cycles; the host serves them and chooses nothing.
`fleet` has the other scheduler, for many processes on one ledger.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.engine.secret_files import watch_secrets
from shipperone_erp.engine.tenant import Shared, TenantRuntime
from shipperone_erp.engine.worker import StageWorker


class Host(Protocol):
    """The port on which a scheduler starts and ends tenants."""

    @property
    def serving(self) -> frozenset[str]:
        """The names of the tenants that are served here."""

    def start(self, settings: TenantSettings) -> None:
        """Serve this tenant from now on; does nothing if it is served already."""

    async def leave(self, names: Collection[str]) -> None:
        """Begin no more work for these tenants; returns once their hooks have returned and their leases are free."""

    def renew(self, configuration: Configuration) -> None:
        """Take over the secrets of its tenants that are served here."""


class Scheduler(Protocol):
    """Decides which tenants a host serves."""

    async def run(self, host: Host, stopping: asyncio.Event) -> None:
        """Run until `stopping`. An exception ends the service."""


class EveryTenant:
    """The scheduler of a process that serves all tenants of its configuration, or those of these names."""

    def __init__(self, configuration: Configuration, names: frozenset[str], log: logging.Logger) -> None:
        self._configuration = configuration
        self._names = names
        self._log = log

    async def run(self, host: Host, stopping: asyncio.Event) -> None:
        """See `Scheduler`."""

        def renewed(configuration: Configuration) -> None:
            host.renew(configuration)
            for name, settings in configuration.tenants.items():
                if self._chosen(name) and name not in host.serving:
                    self._log.info("%s: its configuration is complete now; the tenant is served", name)
                    host.start(settings)

        for name, settings in self._configuration.tenants.items():
            if self._chosen(name):
                host.start(settings)
        await watch_secrets(self._configuration, renewed, stopping, self._log)
        await stopping.wait()

    def _chosen(self, name: str) -> bool:
        return not self._names or name in self._names


class ServiceHost:
    """The `Host` of a runtime: a `StageWorker` for every stage of each of its tenants."""

    def __init__(self, tenants: list[TenantRuntime], shared: Shared, stopping: asyncio.Event) -> None:
        self._tenants = tenants
        """The runtime's own list: tenants that are served, or not started yet."""
        self._shared = shared
        self._stopping = stopping
        self._leaving: dict[str, asyncio.Event] = {}
        self._stages: dict[str, list[asyncio.Task[None]]] = {}

    @property
    def serving(self) -> frozenset[str]:
        """See `Host`."""
        return frozenset(self._leaving)

    def start(self, settings: TenantSettings) -> None:
        """See `Host`."""
        name = settings.name
        if name in self._leaving or self._stopping.is_set():
            return
        tenant = next((known for known in self._tenants if known.name == name), None)
        if tenant is None:
            tenant = TenantRuntime(settings, self._shared)
            self._tenants.append(tenant)
        leaving = self._leaving[name] = asyncio.Event()
        self._stages[name] = [
            asyncio.create_task(
                StageWorker(tenant, stage, self._shared, process_stopping=self._stopping, stopping=leaving).serve()
            )
            for stage in settings.stages
        ]

    async def leave(self, names: Collection[str]) -> None:
        """See `Host`."""
        await asyncio.gather(*(self._leave(name) for name in names if name in self._leaving))

    async def _leave(self, name: str) -> None:
        self._leaving[name].set()
        await asyncio.gather(*self._stages[name])
        self._shared.signals.remove(name)
        for tenant in [known for known in self._tenants if known.name == name]:
            self._tenants.remove(tenant)
            await tenant.close()
        self._leaving.pop(name, None)
        self._stages.pop(name, None)

    def renew(self, configuration: Configuration) -> None:
        """See `Host`."""
        self._shared.redact.add(configuration.secrets)
        for tenant in self._tenants:
            settings = configuration.tenants.get(tenant.name)
            if settings is not None and tenant.name in self._leaving:
                tenant.renew(settings)
                self._shared.signals.wake(tenant.name)

    def stop(self) -> None:
        """Stop every stage, because the process is shutting down."""
        for leaving in self._leaving.values():
            leaving.set()

    async def stopped(self) -> None:
        """Wait until every stage has stopped."""
        await asyncio.gather(*(task for tasks in list(self._stages.values()) for task in tasks))
