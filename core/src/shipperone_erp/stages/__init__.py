"""The two stages: what is to be done with an order (planning), and how (the flows)."""
