"""Sentences that several reasons share."""

HELD = "It is held until an operator acts."
RETRIED = "It is retried automatically, with back-off up to five minutes."
RETRY = "Then run `shipperone-erp order retry ID`."
FROM_CONNECTOR = "Reported by connectors only; core itself does not raise it."
