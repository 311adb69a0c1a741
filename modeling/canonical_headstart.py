"""The values of a skill's catalogs, kept among its weights as text, so that they travel with them: what answers say was meant."""

from __future__ import annotations

import torch
from torch import nn

from .entries_headstart import CanonicalSize
from .gazetteer_headstart import tensor_version
from .resolution_headstart import CatalogResolver, unpack_values


class CanonicalValues(nn.Module):
    """The values of one skill's catalogs.

    Args:
        size: their labels, and how much text they are.
    """

    texts: torch.Tensor

    def __init__(self, size: CanonicalSize) -> None:
        super().__init__()
        self.slots = size["slots"]
        self.register_buffer("texts", torch.zeros(size["bytes"], dtype=torch.uint8))
        self._built: tuple[torch.Tensor, int, CatalogResolver] | None = None

    def fill(self, content: bytes) -> None:
        """Take the values that [`pack_values`] packed."""
        self.texts.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))

    def content(self) -> bytes:
        """What was packed."""
        return self.texts.cpu().numpy().tobytes()

    def resolver(self) -> CatalogResolver:
        """What looks them up; made when it is first asked for.

        Raises:
            ValueError: what was loaded is none of a catalog's values.
        """
        built, texts = self._built, self.texts
        if built is None or built[0] is not texts or built[1] != tensor_version(texts):
            self._built = built = (texts, tensor_version(texts), CatalogResolver(unpack_values(self.slots, self.content())))
        return built[2]


__all__ = ["CanonicalValues"]
