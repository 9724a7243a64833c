"""`capture`: the anonymised queues in a file, for rehearsals and for support."""

from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.inspect import read_listed
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text, settings_of
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.json import dumps
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.operations.capture.capture_file import captured, in_words
from shipperone_erp.operations.capture.masking import Choice


def capture(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, with mode 0600; it is overwritten.")],
    config: ConfigFile = DEFAULT_FILE,
    mask_ids: Annotated[bool, typer.Option("--mask-ids", help="Mask the ids of orders and items, too.")] = False,
    mask_skus: Annotated[bool, typer.Option("--mask-skus", help="Mask SKUs, too.")] = False,
    keep: Annotated[
        list[str] | None, typer.Option(help="A path whose values are not masked, such as items.colour (repeatable).")
    ] = None,
) -> None:
    """Write the queues to a file, with their texts masked. Only what is known to be harmless stays readable; nothing
    else changes.
    """
    loaded = configuration(config, tenants_may_fail=True)
    settings = settings_of(loaded, tenant)
    queues = read_listed(loaded, settings)
    choice = Choice(mask_ids, mask_skus, frozenset(keep or ()))
    document, masked = captured(settings, queues, choice, utc_now())
    text = dumps(document)
    try:
        with private_files.written(file) as opened:
            opened.write(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
    orders = sum(len(rows) for rows in queues.orders.values())
    print_text(
        f"{orders} orders written to {file} ({len(text.encode()) / 1024:.0f} kB, mode 0600)",
        *in_words(masked, choice),
        f"check it before you share it:  less {file}",
        f"rehearse with it:  shipperone-erp sandbox --replay {file}",
    )
