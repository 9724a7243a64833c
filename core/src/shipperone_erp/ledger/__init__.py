"""The ledger: the persistent record of effects. An intent before every external call, its outcome after it."""
