"""The workflow of one job: allocation, invoice, confirmation, compensation, adoption, recovery."""
