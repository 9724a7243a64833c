"""What each reason means, what happens meanwhile, and what cures it; `domain.explanations` shows them."""
