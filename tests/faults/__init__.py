"""The fault campaign: what is done to a node, what it must hold meanwhile, and what must be left when it is over."""
