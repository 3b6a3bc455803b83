"""Intake: INTAKE → REPORTS or REJECTED, once. The only writer of the log, and the only judge of what may enter it."""
