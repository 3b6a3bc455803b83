"""An independent reference of merge and judge: plain, slow and by definition, to compare the domain with.

Written from the contract and `docs/rules.md` alone. It imports nothing of `vardkase`, keeps nothing incremental, and
asks of every whole minute anew what held then. All instants are `int` microseconds since the Unix epoch, UTC.
"""
