"""Thirty faults, each planted alone in a copy of the source, and the tests that must fail by it.

python tests/support/planted_faults.py            plants every fault
python tests/support/planted_faults.py 3 17       plants these
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from places import ROOT

CORE = "core/src/shipperone_erp"
SQL = "connectors/generic_sql/src/shipperone_erp_generic_sql"
ODOO = "connectors/odoo/src/shipperone_erp_odoo"


@dataclass(frozen=True)
class Fault:
    """The text `right` of a module is replaced by `wrong`; one of `tests` must fail."""

    what: str
    module: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    # amounts
    Fault("a discount is not taken off its row", f"{CORE}/domain/amounts/expected_totals.py",
          "return rounded(amount - discount, currency)", "return rounded(amount, currency)",
          "unit/domain/amounts/test_discount_readings.py acceptance/days/test_money.py"),
    Fault("a net discount is taken off the gross amount", f"{CORE}/domain/amounts/expected_totals.py",
          "rounded((net - discount) * factor, currency)", "rounded(net * factor - discount, currency)",
          "unit/domain/amounts/test_discount_readings.py acceptance/days/test_money.py"),
    Fault("a missing shipping amount counts as zero", f"{CORE}/domain/invoice_checks/stated_amounts.py",
          "    if order.shipping_amount_incl_tax is None:\n", "    if False:\n",
          "unit/domain/invoice_checks/test_stated_amounts.py acceptance/days/test_money.py"),
    Fault("the invoice's total is not compared", f"{CORE}/domain/invoice_checks/comparison.py",
          '        money("total_incl_tax", invoice.total_incl_tax, sums.invoice_total)\n', "",
          "unit/domain/invoice_checks"),
    Fault("an invoiced quantity is not compared", f"{CORE}/domain/invoice_checks/comparison.py",
          "elif invoiced[item_id] != item.qty:", "elif False:", "unit/domain/invoice_checks"),
    Fault("an invoice in another currency is accepted", f"{CORE}/domain/invoice_checks/comparison.py",
          "if invoice.currency and currency and invoice.currency != currency:", "if False:",
          "unit/domain/invoice_checks"),
    Fault("a bundle is invoiced by the setting, not by its price", f"{CORE}/domain/line_selection.py",
          'as_whole = on_row if on_row != within else rule == "parents"', 'as_whole = rule == "parents"',
          "unit/domain/test_line_selection.py"),
    Fault("a service is reserved", f"{CORE}/domain/line_selection.py",
          'return (item.item_type or "").casefold() in self._services', "return False",
          "unit/domain/test_line_selection.py"),
    Fault("more is invoiced than was allocated", f"{CORE}/domain/history.py",
          "if limit is not None and before + item.qty > limit:", "if limit is not None and item.qty > limit:",
          "unit/domain/test_planner.py acceptance/days/test_parts_and_repeats.py acceptance/days/test_bundles_and_services.py"),
    # dates
    Fault("a day of supply in the future is believed", f"{CORE}/domain/supply_date.py",
          "if moment > self.first_listed_at + MARGIN:", "if False:", "unit/domain/test_supply_date.py"),
    # doubt
    Fault("a time-out counts as not sent", f"{CORE}/shipperone/lost_answers.py",
          "if isinstance(failure, NEVER_CONNECTED) else PostOutcome.UNKNOWN", "if failure else PostOutcome.UNKNOWN",
          "integration/shipperone/test_client.py"),
    Fault("a 2xx that denies the request counts as accepted", f"{CORE}/shipperone/responses.py",
          "return PostOutcome.ACCEPTED if takes_effect else PostOutcome.UNKNOWN", "return PostOutcome.ACCEPTED",
          "integration/shipperone/test_client.py"),
    Fault("one read decides an unknown outcome", f"{CORE}/domain/absence.py",
          "    if len(reads) < 2:\n", "    if len(reads) < 1:\n", "unit/domain/test_planner.py"),
    Fault("a read during the lost call decides", f"{CORE}/domain/absence.py",
          "    if listing.began_at < due:\n", "    if False:\n", "unit/domain/test_planner.py"),
    Fault("an order that has changed is processed as it was", f"{CORE}/domain/listed_orders.py",
          "elif job.fingerprint == listed.fingerprint and (job.ending is None or _back_untouched(job)):",
          "elif job.ending is None or _back_untouched(job):", "unit/domain/test_planner.py"),
    Fault("what was confirmed and is still listed is processed again", f"{CORE}/domain/history.py",
          "            if of_unreadable(job) or wanted & _amounts(self._counted(job.order)):\n", "            if False:\n",
          "unit/domain/test_planner.py"),
    # the ledger
    Fault("a stale fencing token writes", f"{CORE}/ledger/leases.py",
          "return set(held) - {Lease(row.name, row.owner, row.number) for row in rows}", "return set()",
          "integration/ledger/test_writer.py integration/ledger/test_leases.py"),
    Fault("an operator's action overwrites a job that has changed", f"{CORE}/ledger/action_records.py",
          "        jobs.c.step == before.step,\n        jobs.c.since == before.since,\n"
          "        jobs.c.attempts == before.attempts,\n", "", "integration/ledger/test_ledger_admin.py integration/ledger/test_writer.py integration/engine/test_operator_actions.py"),
    Fault("the key of a second shipment is that of the first", f"{CORE}/domain/keys.py",
          'f"-n{occurrence}" if occurrence > 1 else ""', '""', "unit/domain acceptance/days/test_parts_and_repeats.py"),
    Fault("a reservation's key ignores the warehouse", f"{CORE}/domain/keys.py",
          'order.source_warehouse(item) if stage is Stage.ALLOCATION else ""', '""',
          "unit/domain acceptance/days/test_transfers.py integration/engine/test_stages.py"),
    # the flow
    Fault("an invoice is sent although it differs", f"{CORE}/workflow/invoice.py",
          "if not differences or await _accepted_by_policy(execution, built, differences):", "if True:",
          "integration/engine/test_stages_hooks.py integration/engine/test_policies.py acceptance/cli/test_order_show.py"),
    Fault("an issued answer of build_invoice is confirmed", f"{CORE}/workflow/invoice.py",
          "believed = not answer.issued or execution.ports.settings.fiscal_first or execution.job.accepted",
          "believed = True", "integration/engine/test_stages.py integration/engine/test_stages_hooks.py"),
    Fault("an open circuit breaker lets every call through", f"{CORE}/engine/circuit_breaker.py",
          "if self.down is None or self._time.monotonic() < self._probe_at:", "if self.down is None:",
          "integration/engine/test_stages.py integration/engine/test_runtime.py"),
    # secrets and the page
    Fault("a connector's text keeps the tenant's password", f"{CORE}/connector/sanitizer.py",
          "return discreet(self._redact(text), _orders(about), shown=shown)",
          "return discreet(text, _orders(about), shown=shown)", "unit/connector/test_host.py acceptance/cli/test_secrecy.py"),
    Fault("the page answers to any host", f"{CORE}/web/guard.py",
          "if _name(host) not in self._hosts:", "if False:", "acceptance/web/test_security.py"),
    Fault("a form without its token acts", f"{CORE}/web/site.py",
          "if session is None or not hmac.compare_digest(given.encode(), session.csrf.encode()):",
          "if session is None:", "acceptance/web/test_security.py"),
    # connectors
    Fault("a placeholder is a VAT id", f"{ODOO}/business_identity.py",
          '    if len(digits) < FEWEST_DIGITS or not digits.strip("0"):\n        return None\n', "",
          "unit/connectors/odoo/test_business_identity.py"),
    Fault("a delivery takes a move that is not reserved", f"{ODOO}/outgoing_moves.py",
          "take = min(rest, move.has)", "take = rest", "unit/connectors/odoo/test_outgoing_moves.py"),
    Fault("somebody's delivery of the goods is done again", f"{ODOO}/outgoing_moves.py",
          "        if shipped < quantity and mine and not any(move.open for move in mine):\n", "        if False:\n",
          "unit/connectors/odoo/test_outgoing_moves.py"),
    Fault("a statement that touched no row has worked", f"{SQL}/statement.py", "return rows == 1", "return True",
          "integration/connectors/generic_sql/test_steps.py"),
)  # fmt: skip


def planted(fault: Fault, text: str) -> str:
    """The module's text with the fault; ValueError if it is not there exactly once."""
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.what}: {fault.module} has its text {text.count(fault.right)} times")
    return text.replace(fault.right, fault.wrong)


def caught(fault: Fault, copy: Path) -> bool:
    """Whether a test fails by the fault. `copy` is a checkout whose source may be changed, and is the same afterwards."""
    module = copy / fault.module
    right = module.read_text(encoding="utf-8")
    module.write_text(planted(fault, right), encoding="utf-8")
    sources = [copy / "core/src", *copy.glob("connectors/*/src")]
    path = os.pathsep.join(map(str, [*sources, copy / "tests", copy / "tests/support"]))
    tests = [str(copy / "tests" / test) for test in fault.tests.split()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    finally:
        module.write_text(right, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{fault.what}: its tests could not be run\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


def main(numbers: list[int]) -> int:
    """Plants the faults of these numbers, or all; the number of those that no test noticed."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".nox", ".venv*", "build", "__pycache__"))
        for number, fault in enumerate(FAULTS, 1):
            if numbers and number not in numbers:
                continue
            found = caught(fault, copy)
            missed += not found
            print(f"{number:2}  {'caught' if found else 'MISSED'}  {fault.what}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]))
