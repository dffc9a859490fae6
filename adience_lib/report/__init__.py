"""What a person reads: tables, figures, sentences, notebooks and the site.

Imports every other room; only ``__main__`` imports it.
"""
