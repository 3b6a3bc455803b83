"""Who may what: tokens, sessions, an issuer's JWTs, limits, and the audit of what was read, done and refused."""
