"""Sentences that several reasons share."""

HELD = "It is held: nothing happens to it until an operator acts."
RETRIED = "It is tried again by itself, with growing pauses of up to five minutes."
RETRY = "Then run `shipperone-erp order retry ID`."
FROM_CONNECTOR = "A connector reports it; this release does not raise it by itself."
