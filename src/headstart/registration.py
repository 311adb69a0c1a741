"""Sets transformers up for Headstart as soon as both are there, so that neither has to be imported for the other's sake.

`import headstart` must make `pipeline("joint-nlu")` and the Auto classes know Headstart, but `headstart.onnx` must not wait for torch, which
transformers imports. So what needs transformers is done when somebody imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
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
    """Finds nothing itself: watches for the first moment at which transformers is imported and none of our classes is half made."""

    def __init__(self) -> None:
        self.in_work: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec that the other finders give, with the registration behind its execution."""
        if name != TRANSFORMERS and not name.startswith(OURS):
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next((found for finder in others if (found := finder.find_spec(name, path, target)) is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            self.in_work.add(name)
            try:
                execute(module)
            finally:
                self.in_work.discard(name)
            if not self.in_work and TRANSFORMERS in sys.modules and self in sys.meta_path:
                sys.meta_path.remove(self)
                register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_with_transformers() -> None:
    """[`register`] now, if transformers is imported; otherwise when it is."""
    if TRANSFORMERS in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Registrar())


__all__ = ["register", "register_with_transformers"]
