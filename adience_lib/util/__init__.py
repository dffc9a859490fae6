"""What any other room may need and nobody reads first: whole files, locks, messages, folders, the
backend. Imports nothing of this package.
"""
