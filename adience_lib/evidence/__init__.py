"""What finished runs say about the paper: scores, comparisons, and the verdicts on its claims.
Imports ``experiments`` and what lies below it."""
