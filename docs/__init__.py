"""The pages of the site, and what writes their numbers."""
