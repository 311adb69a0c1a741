"""The network that a fine-tuning starts from: warm from a base, or the same sizes from a random start."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerBase

from headstart.data.skills import Skill
from headstart.modeling import HeadstartConfig, HeadstartForJointNLU
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.pretraining.embeddings import distill_embeddings, teacher_folder
from headstart.training.options import FinetuneOptions


def starting_model(base: str, skill: Skill, options: FinetuneOptions, tokenizer: PreTrainedTokenizerBase) -> HeadstartForJointNLU:
    """The network to fine-tune, with the skill as its only one.

    Args:
        base: folder or repository of the base.
        skill: the skill.
        options: what is reset, shared and frozen.
        tokenizer: the base's.

    Raises:
        ValueError: the base has a skill of that name.
    """
    parts: dict[str, Any] = {
        "catalogs": tokenize_catalogs(skill.catalogs, tokenizer) if options.gazetteers else {},
        "rejects": options.rejection and options.out_of_scope_share > 0,
        "reject_threshold": options.reject_threshold,
        "label_priors": skill.label_priors() if options.label_priors else {},
    }
    return _random(base, skill, options, tokenizer, parts) if options.from_scratch else _warm(base, skill, options, parts)


def _random(
    base: str, skill: Skill, options: FinetuneOptions, tokenizer: PreTrainedTokenizerBase, parts: dict[str, Any]
) -> HeadstartForJointNLU:
    config = HeadstartConfig.from_pretrained(base, skills=[], gazetteer_dropout=options.gazetteer_dropout)
    model = HeadstartForJointNLU(config)
    model.add_skill(skill, reset="task_layers", **parts)
    if options.starting_embeddings != "random":
        embeddings = starting_embeddings(options.starting_embeddings, tokenizer, config)
        with torch.no_grad():
            model.trunk.embed_tokens.weight.copy_(embeddings)
    # Frozen: words that the rows lack keep their place beside those that they have. At random there is no such place.
    is_trained = options.starting_embeddings == "random" if options.train_embeddings is None else options.train_embeddings
    model.trunk.embed_tokens.requires_grad_(is_trained)
    return model


def _warm(base: str, skill: Skill, options: FinetuneOptions, parts: dict[str, Any]) -> HeadstartForJointNLU:
    model: HeadstartForJointNLU = HeadstartForJointNLU.from_pretrained(base, gazetteer_dropout=options.gazetteer_dropout)
    others = model.skills
    if skill.name in others:
        raise ValueError(
            f"the base has a skill {skill.name!r}; name yours otherwise (Skill(name=...), --skill_name). Taken: {', '.join(others)}."
        )
    rank = options.shared_rank
    model.add_skill(skill, reset=cast(Any, options.reset), rank=rank, routes=rank is not None, **parts)
    for name in others:
        model.delete_skill(name)
    model.set_tune(cast(Any, options.tune))
    # Frozen embeddings gave the same figures (benchmarks/README.md), cost less, and keep words that the rows lack in their place.
    model.trunk.embed_tokens.requires_grad_(bool(options.train_embeddings) and not options.is_head)
    return model


def starting_embeddings(source: str, tokenizer: PreTrainedTokenizerBase, config: HeadstartConfig) -> torch.Tensor:
    """Embeddings (tokens, embedding_size) to start from: `distilled` here and now, or from the tensor `embeddings` of a file.

    Raises:
        ValueError: there is no such file, or its embeddings are of another shape.
    """
    if source == "distilled":
        tokens = cast(list[str], tokenizer.convert_ids_to_tokens(list(range(config.vocab_size))))
        return distill_embeddings(tokens, config.embedding_size, teacher_folder())
    if not Path(source).is_file():
        raise ValueError(f"starting_embeddings is {source!r}; allowed: random, distilled, or a .safetensors file.")
    found = load_file(source).get("embeddings", torch.empty(0))
    wanted = (config.vocab_size, config.embedding_size)
    if found.shape != wanted:
        raise ValueError(f"{source} holds embeddings of shape {tuple(found.shape)}; the base wants {wanted}.")
    return found


__all__ = ["starting_embeddings", "starting_model"]
