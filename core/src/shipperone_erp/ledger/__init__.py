"""The ledger: the memory of effects. An intent before every call to the outside, its outcome after it."""
