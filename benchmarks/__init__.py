"""How fast this machine trains the networks, and how fast it could: ``make bench``.

What was tried to get there, and what it was worth, stands in ``docs/speed.md``.
"""
