"""Examining a node from outside: what is wrong with it, and what to do. It changes nothing, and ends in seconds."""
