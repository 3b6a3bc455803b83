"""Archiver: what the streams hold, into PostgreSQL: history, audit, time travel."""
