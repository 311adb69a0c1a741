"""Configuration, layers and network of Headstart. Flat files: they travel with every checkpoint (see README, Layout)."""

from .configuration_headstart import HeadstartConfig
from .modeling_headstart import HeadstartForJointNLU, HeadstartJointNLUOutput, HeadstartModel, HeadstartModelOutput

__all__ = [
    "HeadstartConfig",
    "HeadstartForJointNLU",
    "HeadstartJointNLUOutput",
    "HeadstartModel",
    "HeadstartModelOutput",
]
