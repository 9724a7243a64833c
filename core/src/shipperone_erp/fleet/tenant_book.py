"""This machine's configuration of the fleet's tenants, and its differences from the configuration in use."""

import asyncio
import logging
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from shipperone_erp.config import Configuration, TenantSettings, load
from shipperone_erp.config.toml_files import included_files
from shipperone_erp.domain.fleet_records import Refusal
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp.kernel.file_versions import FileVersion, file_versions
from shipperone_erp.ledger.served_tenants import tenants_served

LOOK_EVERY = 5.0
"""Seconds between two checks of the files' times."""


class TenantBook:
    """The configuration of one machine, loaded again when one of its files changes. Settings are loaded when used."""

    def __init__(self, configuration: Configuration, log: logging.Logger) -> None:
        self._file = configuration.file
        self._log = log
        self._seen: dict[Path, FileVersion | None] = {}
        self._turn = asyncio.Lock()
        self._asked: set[str] = set()
        self._read(configuration)

    def _read(self, configuration: Configuration) -> None:
        self.digests: Mapping[str, str] = configuration.digests
        self._include = configuration.runtime.include
        self._loaded: dict[str, TenantSettings] = {}
        self._incomplete: dict[str, str] = {}
        self._secret_files: frozenset[Path] = frozenset()
        self._seen = self._signatures()

    async def settings(self, names: Collection[str]) -> dict[str, TenantSettings]:
        """The settings of these tenants, if they are complete here; `refusals` has the others."""
        if self._missing(names):
            self._asked |= set(names)
            async with self._turn:  # one load at a time, of all that was requested during the one before
                asked, self._asked = self._asked, set()
                if missing := self._missing(asked | set(names)):
                    await self._load(missing)
        return {name: self._loaded[name] for name in names if name in self._loaded}

    def _missing(self, names: Collection[str]) -> set[str]:
        return {name for name in names if name in self.digests} - self._loaded.keys() - self._incomplete.keys()

    async def renewed(self) -> Configuration | None:
        """The configuration, loaded again, if a file of a secret has changed; otherwise None."""
        now = file_versions(self._secret_files)
        if all(self._seen.get(file) == signature for file, signature in now.items()):
            return None
        self._seen |= now
        async with self._turn:
            wanted = [*self._loaded, *self._incomplete]
            self._loaded, self._incomplete = {}, {}
            return await self._load(wanted)

    async def changed(self) -> bool:
        """Whether a file of the configuration has changed; the new content is used from here on."""
        if await asyncio.to_thread(self._signatures) == {
            file: seen for file, seen in self._seen.items() if file not in self._secret_files
        }:
            return False
        try:
            async with self._turn:
                self._read(await asyncio.to_thread(self._configuration, ()))
        except ConfigurationError as error:  # an operator is editing it
            self._log.warning(
                "the configuration has changed and cannot be read; the previous one stays in use: %s", error
            )
            self._seen = {**self._seen, **await asyncio.to_thread(self._signatures)}
            return False
        return True

    def refusals(self, fleet: Mapping[str, str]) -> list[Refusal]:
        """The refused tenants, among those that the fleet serves with these digests."""
        found = []
        for tenant, digest in fleet.items():
            own = self.digests.get(tenant)
            if own is None:
                found.append(Refusal(tenant, None, "the configuration of this machine does not contain it"))
            elif own != digest:
                what = f"its configuration on this machine ({own}) differs from the fleet's ({digest})"
                found.append(Refusal(tenant, own, what))
            elif tenant in self._incomplete:
                found.append(Refusal(tenant, own, self._incomplete[tenant]))
        return found

    async def _load(self, names: Collection[str]) -> Configuration | None:
        try:
            read = await asyncio.to_thread(self._configuration, frozenset(names))
        except ConfigurationError as error:
            self._incomplete |= dict.fromkeys(names, str(error).splitlines()[-1].strip())
            return None
        self._loaded |= read.tenants
        self._incomplete |= {one.tenant: str(one) for one in read.problems if one.tenant and one.tenant in names}
        self._secret_files |= read.secret_files
        self._seen |= file_versions(read.secret_files)
        return read

    def _configuration(self, only: Collection[str]) -> Configuration:
        return load(self._file, environment=os.environ, tenants_may_fail=True, served=tenants_served, only=only)

    def _signatures(self) -> dict[Path, FileVersion | None]:
        included = (file for pattern in self._include for file in included_files(self._file.parent, pattern))
        return file_versions((self._file, *included))
