"""`ledger`: backup, restored, adopt."""

from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.job_commands import NoteText
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, ledger_to_read, print_text, settings_of
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.records import Binding
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import ledger_admin
from shipperone_erp.operations.job_selection import listing

app = typer.Typer(help="The ledger: backup, restored, adopt.", no_args_is_help=True)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file for the copy; it must not exist.")],
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Copy the ledger while it is in use; the copy is consistent. For SQLite; PostgreSQL has pg_dump."""
    with ledger_to_read(configuration(config, tenants_may_fail=True)) as ledger:
        ledger.backup(file)
    print_text(
        f"copied to {file}; if the ledger is used after this, the copy becomes outdated: after restoring it, run "
        "`shipperone-erp ledger restored` before anything else runs"
    )


@app.command()
def restored(config: ConfigFile = DEFAULT_FILE, note: NoteText = None) -> None:
    """Declare that the ledger is a copy of an earlier day. Before any start: orders that have left their queue since
    are held.
    """
    with Ledger.open(configuration(config, tenants_may_fail=True).runtime.ledger) as ledger:
        unfinished = ledger_admin.restored(ledger, utc_now(), note)
    print_text(
        f"recorded; {len(unfinished)} order(s) were unfinished in this copy; their documents are looked up again by "
        "key. Orders that ShipperOne still lists resume. Orders that it no longer lists are held as order_gone, "
        "unless the ERP or a later queue shows that they were confirmed since; nothing of them is released "
        "automatically"
    )


@app.command()
def adopt(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    drop_references: Annotated[
        bool,
        typer.Option(
            "--drop-references", help="Hold the orders that name documents of the previous ERP as erp_changed."
        ),
    ] = False,
    note: NoteText = None,
) -> None:
    """Declare that this tenant continues in another system. That is the shop, store or ERP database that is configured
    now.
    """
    loaded = configuration(config, tenants_may_fail=True)
    settings = settings_of(loaded, tenant)
    plugins = TenantPlugins.create(tenant, settings.connector, settings.connector_settings, settings.policy_settings)
    try:
        binding = Binding(settings.base_url, settings.store_code, settings.connector, plugins.identity())
    finally:
        plugins.close()
    with Ledger.open(loaded.runtime.ledger) as ledger:
        changed, dropped = ledger_admin.adopt(ledger, tenant, binding, utc_now(), note, drop_references=drop_references)
    if not changed:
        print_text("nothing changed")
        return
    print_text(f"{tenant} is adopted:", *(f"  {line}" for line in changed))
    if dropped:
        print_text(f"{len(dropped)} order(s) are held as erp_changed:", *listing(dropped))
