"""The gateway: the node over HTTP, for people's browsers, apps and other programs.

It holds no state of its own. What it answers with is read from the bus and kept live in memory; history is asked of
the archive. Several can run side by side.
"""
