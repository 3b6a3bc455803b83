"""The public side: what anyone may see, over HTTP. Read from the public account alone, by a connection of its own.

Nothing in here is given a restricted document, so nothing restricted can get out. No token, no cookie, no history.
"""
