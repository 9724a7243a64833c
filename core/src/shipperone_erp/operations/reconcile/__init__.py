"""`reconcile`: what the ledger recorded beside what the ERP lists and what ShipperOne's queues still show.

findings     what can be found, and one document with what was found of it
comparison   ledger and ERP, document by document
series       numbers: two invoices with one number, a number of ours that another document has
credits      credit notes, and the invoices that they refer to
marks        what the ledger alone knows: unfinished, inferred, decided by hand
unlisted     ShipperOne's queues: shipped and not invoiced, reserved for no order, confirmed and still listed
totals       by currency and by tax rate
running      asks the ERP and ShipperOne, then compares
"""
