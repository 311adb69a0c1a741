"""Scores of models on annotated rows."""
