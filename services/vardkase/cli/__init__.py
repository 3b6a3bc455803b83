"""The command line. It parses, starts and tells; what it tells of is done elsewhere."""
