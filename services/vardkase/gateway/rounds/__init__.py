"""The fuel round: which points want fuel, and the plan that is told."""
