"""Sets transformers up for Headstart as soon as both are there, so that neither has to be imported for the other's sake.

`import headstart` must make `pipeline("joint-nlu")` and the Auto classes know Headstart, but `headstart.onnx` must not wait for torch, which
transformers imports. So what needs transformers is done when somebody imports it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

TRANSFORMERS = "transformers"
OURS = ("headstart.modeling", "headstart.tokenization")


def register() -> None:
    """The Auto classes and `pipeline()` know the architecture, and saved checkpoints carry its code."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
    from transformers.pipelines import PIPELINE_REGISTRY

    from headstart.modeling import HeadstartConfig, HeadstartForJointNLU
    from headstart.tokenization import NLUPipeline

    AutoConfig.register("headstart", HeadstartConfig)
    AutoModel.register(HeadstartConfig, HeadstartForJointNLU)
    AutoTokenizer.register(HeadstartConfig, fast_tokenizer_class=PreTrainedTokenizerFast)
    HeadstartConfig.register_for_auto_class()
    HeadstartForJointNLU.register_for_auto_class("AutoModel")
    PIPELINE_REGISTRY.register_pipeline("joint-nlu", pipeline_class=NLUPipeline, pt_model=AutoModel)


class _Registrar(MetaPathFinder):
    """Finds nothing itself: watches for the first moment at which transformers is imported and none of our modules is half made."""

    def __init__(self) -> None:
        self.in_work: set[str] = set()
        self._lock = threading.Lock()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec that the other finders give, with a loader that calls back."""
        if name != TRANSFORMERS and not name.startswith(OURS):
            return None
        others = (finder for finder in sys.meta_path if not _is_registrar(finder) and hasattr(finder, "find_spec"))
        spec = next((found for finder in others if (found := finder.find_spec(name, path, target)) is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _WatchedLoader(spec.loader, self)
        return spec

    def try_to_register(self) -> None:
        """Register, unless one of our modules is in work: then it is tried again when that one is done."""
        if TRANSFORMERS not in sys.modules or self.in_work or not self._lock.acquire(blocking=False):
            return
        try:
            if self in sys.meta_path:
                register()
                sys.meta_path.remove(self)
        except (ImportError, RuntimeError):
            if not self.in_work:  # otherwise another thread has begun to import us meanwhile, and waits for this one
                raise
        finally:
            self._lock.release()


class _WatchedLoader(Loader):
    """Another loader, and a call to the registrar when it is done."""

    def __init__(self, loader: Loader, registrar: _Registrar) -> None:
        self.loader, self.registrar = loader, registrar

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """What the other loader makes."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module to its own loader."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        in_work = self.registrar.in_work
        in_work.add(module.__name__)
        try:
            self.loader.exec_module(module)
        finally:
            in_work.discard(module.__name__)
        self.registrar.try_to_register()


def _is_registrar(finder: object) -> bool:
    # By name: after importlib.reload, the class is another one.
    return type(finder).__name__ == _Registrar.__name__


def register_with_transformers() -> None:
    """[`register`] now, if transformers is imported; otherwise when it is. Without torch there is nothing to register."""
    if find_spec("torch") is None:
        return
    if TRANSFORMERS in sys.modules:
        register()
    elif not any(map(_is_registrar, sys.meta_path)):
        sys.meta_path.insert(0, _Registrar())


__all__ = ["register", "register_with_transformers"]
