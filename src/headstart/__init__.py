"""Headstart gives a new voice-assistant skill a head start: a pretrained multitask bi-LSTM, fine-tuned on a few utterances."""

from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from transformers.pipelines import PIPELINE_REGISTRY

from headstart.checkpoints import BASE_EN
from headstart.conversion import convert
from headstart.data import DataError, Skill
from headstart.evaluation import evaluate
from headstart.finetuning import finetune
from headstart.modeling import HeadstartConfig, HeadstartForJointNLU, HeadstartModel
from headstart.pretraining import pretrain
from headstart.readers import load_skill
from headstart.tokenization import NLUPipeline
from headstart.version import __version__

# Set up for transformers: the Auto classes and pipeline() know the architecture, and saved checkpoints carry its code.
AutoConfig.register("headstart", HeadstartConfig)
AutoModel.register(HeadstartConfig, HeadstartForJointNLU)
AutoTokenizer.register(HeadstartConfig, fast_tokenizer_class=PreTrainedTokenizerFast)
HeadstartConfig.register_for_auto_class()
HeadstartForJointNLU.register_for_auto_class("AutoModel")
PIPELINE_REGISTRY.register_pipeline("joint-nlu", pipeline_class=NLUPipeline, pt_model=AutoModel)

__all__ = [
    "BASE_EN",
    "DataError",
    "HeadstartConfig",
    "HeadstartForJointNLU",
    "HeadstartModel",
    "NLUPipeline",
    "Skill",
    "__version__",
    "convert",
    "evaluate",
    "finetune",
    "load_skill",
    "pretrain",
]
