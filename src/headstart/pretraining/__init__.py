"""The first stage: a base, from corpora of mature domains."""
