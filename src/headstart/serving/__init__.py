"""`headstart serve`: skills behind HTTP (a path of our own, and Rasa's), Wyoming and OVOS. Without torch where all of them are exported."""

from __future__ import annotations
