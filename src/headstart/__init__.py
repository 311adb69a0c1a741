"""Headstart gives a new voice-assistant skill a head start: a pretrained multitask bi-LSTM, fine-tuned on a few utterances."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headstart.registration import register_with_transformers
from headstart.version import __version__

if TYPE_CHECKING:
    from headstart.checking.check import check
    from headstart.checkpoints import BASE_EN
    from headstart.conversion import convert
    from headstart.data.encoding import encode_rows
    from headstart.data.rows import DataError
    from headstart.data.skills import Skill
    from headstart.evaluation.evaluate import evaluate
    from headstart.exporting import export
    from headstart.finetuning.finetune import finetune
    from headstart.finetuning.learning import learn, unlearn
    from headstart.finetuning.novelty import fit_novelty
    from headstart.finetuning.probing import fit_classifiers
    from headstart.finetuning.recipe import choose_recipe
    from headstart.finetuning.rows import training_rows
    from headstart.modeling import HeadstartConfig, HeadstartForJointNLU, HeadstartModel
    from headstart.modeling.catalog_headstart import CatalogValue
    from headstart.modeling.integrity_headstart import accept_changes
    from headstart.pretraining.pretrain import pretrain
    from headstart.readers import load_skill
    from headstart.tokenization import NLUPipeline
    from headstart.training.collator import JointNLUCollator
    from headstart.training.epochs import NewEpoch

# Where the names are, which are imported when they are first asked for: commands and headstart.onnx must not wait for torch.
_HOMES = {
    "BASE_EN": "checkpoints", "CatalogValue": "modeling.catalog_headstart", "DataError": "data.rows", "HeadstartConfig": "modeling", "HeadstartForJointNLU": "modeling",
    "HeadstartModel": "modeling", "NLUPipeline": "tokenization", "Skill": "data.skills",
    "accept_changes": "modeling.integrity_headstart", "check": "checking.check", "convert": "conversion", "evaluate": "evaluation.evaluate", "export": "exporting", "finetune": "finetuning.finetune", "learn": "finetuning.learning", "unlearn": "finetuning.learning", "load_skill": "readers",
    "pretrain": "pretraining.pretrain",
    "JointNLUCollator": "training.collator", "NewEpoch": "training.epochs", "choose_recipe": "finetuning.recipe", "encode_rows": "data.encoding",
    "fit_classifiers": "finetuning.probing", "fit_novelty": "finetuning.novelty", "training_rows": "finetuning.rows",
}  # fmt: skip
_SUBPACKAGES = ("modeling", "readers", "tokenization")


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"headstart.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'headstart' has no attribute {name!r}")
    value = getattr(import_module(f"headstart.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


register_with_transformers()

__all__ = [
    "BASE_EN",
    "CatalogValue",
    "DataError",
    "HeadstartConfig",
    "HeadstartForJointNLU",
    "HeadstartModel",
    "JointNLUCollator",
    "NLUPipeline",
    "NewEpoch",
    "Skill",
    "__version__",
    "accept_changes",
    "check",
    "choose_recipe",
    "convert",
    "encode_rows",
    "evaluate",
    "export",
    "finetune",
    "fit_classifiers",
    "fit_novelty",
    "learn",
    "load_skill",
    "pretrain",
    "training_rows",
    "unlearn",
]
