"""ShipperOne's API: the only package that knows its addresses, the shapes of its answers, and what they mean."""
