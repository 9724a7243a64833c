"""Whether an invoice may be built of a listed order, and whether a built one is right. Pure functions."""
