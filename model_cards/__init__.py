"""The template of model cards."""
