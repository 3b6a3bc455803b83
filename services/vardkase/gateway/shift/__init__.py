"""The tools of a shift: the handover report, what has changed since a time, and the scorecard back to each kommun."""
