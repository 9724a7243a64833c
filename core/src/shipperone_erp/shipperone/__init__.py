"""ShipperOne's API: the only package with its addresses, the shapes of its answers, and their meaning."""
