"""Publishing and fetching models, and their cards."""
