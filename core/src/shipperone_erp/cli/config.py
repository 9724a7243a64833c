"""Commands about the configuration: init, config check, show, schema. All of them work offline."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp import config as settings
from shipperone_erp.cli.options import DEFAULT_FILE, AsJson, ConfigFile, configuration, print_json, print_text
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import UsageError

app = typer.Typer(help="The configuration: check, show, schema.", no_args_is_help=True)


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.")],
    connector: Annotated[str, typer.Option("--connector", help="The connector's name.")],
    config: Annotated[Path, typer.Option("-c", "--config", help="The file to write.")] = DEFAULT_FILE,
) -> None:
    """Write a commented TOML for one tenant. An existing file is left as it is."""
    text = settings.template(name, connector)
    try:
        with private_files.written(config, new=True) as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{config} is there already; name another with -c, or add the tenant to it by hand") from None
    print_text(f"wrote {config}; fill in the marked places, then: shipperone-erp config check -c {config}")


@app.command()
def check(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Read the configuration and name every problem of it."""
    loaded = configuration(config)
    if as_json:
        print_json({"tenants": sorted(loaded.tenants), "warnings": [str(warning) for warning in loaded.warnings]})
    else:
        print_text(f"{config}: {len(loaded.tenants)} tenant(s), no problems")


@app.command()
def show(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """The configuration as it takes effect, defaults included, secrets masked."""
    shown = settings.show(configuration(config))
    if as_json:
        print_json(tomllib.loads(shown))
    else:
        print_text(*shown.split("\n"))


@app.command()
def schema(as_json: AsJson = False) -> None:
    """The JSON schema of the file, with the settings of each installed connector, for editors: always JSON."""
    print_json(settings.schema())
