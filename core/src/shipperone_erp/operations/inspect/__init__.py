"""What ShipperOne lists, before anything is set: where each field is, what adds up, which TOML explains most.

The readers and the checks are those of the flow: `shipperone.order_parser` reads an order, `domain.invoice_checks`
check its amounts. What is here makes guesses and counts what these make of them.
"""
