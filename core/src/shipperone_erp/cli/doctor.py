"""`doctor`: checks a tenant, and prints each problem with its cure."""

import asyncio
from typing import Annotated

import typer

from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    must_know,
    print_json,
)
from shipperone_erp.cli.tables import print_table
from shipperone_erp.domain.exit_codes import worst
from shipperone_erp.operations.doctor import examine
from shipperone_erp.operations.installation_checks import Verdict


def doctor(
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]")] = None,
    config: ConfigFile = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Check all that a tenant needs: one line each, with the cure. Address, token, store code, queues, ERP, ledger,
    clock, disk and secrets.
    """
    loaded = configuration(config, tenants_may_fail=True)
    if tenant is not None:
        must_know(loaded, tenant)
    lines = asyncio.run(examine(loaded, [tenant] if tenant else []))
    lines = [line for line in lines if tenant is None or line.tenant in (None, tenant)]
    if as_json:
        print_json([line.row() for line in lines])
    else:
        print_table(
            ["tenant", "check", "", "what was found", "cure"],
            [(line.tenant, line.check, line.verdict.value, line.sentence, line.cure) for line in lines],
            prose=("what was found",),
        )
    raise typer.Exit(int(worst(line.ending for line in lines if line.verdict is Verdict.FAIL)))
