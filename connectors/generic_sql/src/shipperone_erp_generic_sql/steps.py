"""The steps that a tenant's statements are written for, and the query that each one runs first."""

STEPS = ("reserve", "release", "build_invoice", "issue_invoice", "discard_invoice", "deliver")
"""The steps that change the ERP: lists of statements, in order, in one transaction."""

QUERIES = (
    "find_reservation",
    "find_reservation_lines",
    "available",
    "find_invoice",
    "find_invoice_lines",
    "refused_dates",
    "find_delivery",
    "list_documents",
    "list_document_lines",
)
"""The steps that only look."""

LOOKS_WITH = {
    "reserve": "find_reservation",
    "release": "find_reservation",
    "build_invoice": "find_invoice",
    "issue_invoice": "find_invoice",
    "discard_invoice": "find_invoice",
    "deliver": "find_delivery",
}
"""The query by which a step looks for its key before it runs."""
