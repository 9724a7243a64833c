"""The ERPs' words for documents that have no effect: a draft, and what was cancelled."""

NOT_ISSUED = frozenset({"draft", "cancel", "cancelled", "canceled", "voided", "void"})
"""States of an invoice or a credit note in which it is not effective."""

NOT_RESERVED = NOT_ISSUED | {"released"}
"""States of a reservation in which it holds no goods. Other words prove nothing."""
