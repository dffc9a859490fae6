"""What a person reads: tables, figures, sentences, notebooks and the site.

Imports any room below it; the notebooks and ``__main__`` import it.
"""
