"""Makes docs/page.png, the README's picture of the operations page, from the page itself at the end of the demo.

python tests/readme/screenshot.py        needs the extra web, playwright, and a Chromium on this machine
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "page.png"
COMMAND = [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "demo", "--serve", "--folder"]


def main() -> None:
    """Run the demo, open the order that needs an operator, and keep what is seen."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([*COMMAND, folder], stdout=subprocess.PIPE, text=True) as demo,
    ):
        assert demo.stdout is not None
        address = next(found[1] for line in demo.stdout if (found := re.search(r"operator: (http\S+)", line)))
        try:
            photograph(address)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.stdout.read()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


def photograph(address: str) -> None:
    """The page at that address, as wide as a README shows it."""
    browser = os.environ.get("SHIPPERONE_ERP_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = running.new_page(viewport={"width": 1160, "height": 860}, color_scheme="light")
        page.goto(address)
        page.screenshot(path=PICTURE)
        running.close()


if __name__ == "__main__":
    main()
