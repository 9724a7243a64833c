"""The operations page: the orders that need an operator, the reasons, and the actions. Needs the extra `web`.

It reads the ledger and acts through `operations`, as the command line does; no request waits for the ERP. Nothing here
is imported until the page is served.
"""
