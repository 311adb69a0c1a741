"""Rows, skills and corpora: what is read, checked, filled and encoded before anything is trained."""
