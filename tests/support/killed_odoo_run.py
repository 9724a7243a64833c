"""`run --once` whose process ends by SIGKILL right after Odoo has answered its n-th call that changes something.

python killed_odoo_run.py CONFIG N
"""

import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import httpx

from odoo_shop import reads
from shipperone_erp.cli.run import run_once
from shipperone_erp.config import load
from shipperone_erp.engine.selection import Selection
from shipperone_erp_odoo import OdooConnector


class Killing(httpx.BaseTransport):
    """The network; the n-th change is done in Odoo and never known here."""

    def __init__(self, after: int) -> None:
        self._network = httpx.HTTPTransport()
        self._left = after
        self._turn = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        response.read()
        if not reads(request):
            with self._turn:
                self._left -= 1
                if self._left == 0:
                    print(request.url.path, request.content.decode()[:300], flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
        return response


if __name__ == "__main__":
    OdooConnector.transport = Killing(int(sys.argv[2]))
    sys.exit(run_once(load(Path(sys.argv[1])), [], Selection(), timedelta(seconds=20)))
