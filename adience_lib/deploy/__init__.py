"""A trained network in use: predictions for photos, other formats, its card.

Imports ``evidence`` and what lies below it.
"""
