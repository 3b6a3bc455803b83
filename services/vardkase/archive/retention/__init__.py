"""Gallring: what the archive may let go of, by a decision that is named; everything else is kept for ever."""
