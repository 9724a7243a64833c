"""Converts a command's exception into a sentence on stderr and an exit code."""

from shipperone_erp.cli.options import say
from shipperone_erp.cli.output_redaction import REDACTION, last_words
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.kernel.errors import ShipperOneErpError


def report(error: Exception) -> int:
    """Print the error; called while the exception is handled. Returns the exit code."""
    if isinstance(error, ShipperOneErpError):
        text = REDACTION(str(error))
        say(*(text.split("\n") if error.has_lines else [text]))
        return error.exit_code
    if isinstance(error, ConnectorError):
        say(REDACTION(error.sentence))
        return Ending.ERP
    say(*last_words().splitlines(), "this is a bug in shipperone-erp or in a connector")
    return Ending.FAILED
