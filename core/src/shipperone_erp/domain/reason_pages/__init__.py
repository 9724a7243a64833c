"""The pages of the reasons: meaning, the runtime's work meanwhile, cure; `domain.explanations` shows them."""
