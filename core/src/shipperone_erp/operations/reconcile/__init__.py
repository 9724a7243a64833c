"""`reconcile`: compares the ledger's records with the ERP's documents and with ShipperOne's queues.

findings     the kinds of findings, and one document with its finding
comparison   ledger and ERP, document by document
series       numbers: two invoices with one number, a number of this runtime on another document
credits      credit notes, and the invoices that they refer to
marks        facts in the ledger alone: unfinished, inferred, decided by hand
unlisted     ShipperOne's queues: shipped and not invoiced, reserved for no order, confirmed and still listed
totals       by currency and by tax rate
running      queries the ERP and ShipperOne, then compares
"""
