"""The second stage: a new skill on a pretrained base."""
