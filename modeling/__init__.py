"""Configuration, layers and network of Headstart. Flat files: they travel with every checkpoint (see ARCHITECTURE.md, Rooms)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .configuration_headstart import HeadstartConfig
    from .modeling_headstart import HeadstartForJointNLU, HeadstartJointNLUOutput, HeadstartModel, HeadstartModelOutput


def __getattr__(name: str) -> Any:
    # Imported when first asked for: catalog_headstart is of use without torch.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "configuration_headstart" if name == "HeadstartConfig" else "modeling_headstart"
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "HeadstartConfig",
    "HeadstartForJointNLU",
    "HeadstartJointNLUOutput",
    "HeadstartModel",
    "HeadstartModelOutput",
]
