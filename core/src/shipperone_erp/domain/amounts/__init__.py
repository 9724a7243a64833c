"""The amounts of an order as they are listed, read, expected and accepted. Pure functions."""
