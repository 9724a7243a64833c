"""The operations page: which orders need an operator, why, and the acts that cure it. Needs the extra `web`.

It reads the ledger and steers through `operations`, as the command line does; no request waits for the ERP.
Nothing here is imported until the page is served.
"""
