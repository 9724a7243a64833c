"""ShipperOne's API: the only package with its addresses, the shapes of its answers, and their meaning."""

import sys

# httpx imports its own command line with rich and pygments wherever these are installed: 2 MiB and 50 ms of CPU in each
# process. None makes that import fail, as where they are not installed, which httpx expects.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
