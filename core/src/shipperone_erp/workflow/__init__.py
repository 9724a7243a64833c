"""How one job is carried out: allocation, invoice, confirmation, compensation, adoption, recovery."""
