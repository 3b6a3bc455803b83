"""Timelines with declared time: what is reported when, and what must come of it."""
