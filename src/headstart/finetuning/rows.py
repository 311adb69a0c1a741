"""The rows that fine-tuning trains on, for whoever trains with a Trainer, or a loop, of their own."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizerBase

from headstart.data.inferred_types import with_inferred_types
from headstart.data.skills import Skill
from headstart.finetuning.rejection import choose_out_of_scope
from headstart.modeling import HeadstartForJointNLU
from headstart.training.epochs import EpochRows
from headstart.training.options import FinetuneOptions

OPTIONS = ("infer", "misspell", "name_rows", "out_of_scope", "out_of_scope_share", "refill", "seed")


def training_rows(skill: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, **options: Any) -> EpochRows:
    """The encoded training rows of a skill as [`headstart.finetune`] has them: with other values in their slots and misspelt words at every epoch, with names of intents,
    and with out-of-scope utterances, if the model's skill can reject.

    They are a `torch.utils.data.Dataset` for [`headstart.JointNLUCollator`]. Rows of another epoch are made by `rows.begin_epoch(number)`; with a
    Trainer, [`headstart.NewEpoch`] is the callback that does.

    Args:
        skill: the skill.
        model: the network before it is trained, with the skill (`model.add_skill(skill)`).
        tokenizer: its tokenizer.
        options: of these of [`headstart.training.options.FinetuneOptions`]: `infer`, `misspell`, `name_rows`, `out_of_scope`, `out_of_scope_share`, `refill`, `seed`.

    Raises:
        ValueError: the model has no such skill, or there is no such option.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"training_rows has no option {unknown[0]!r}; allowed: {', '.join(OPTIONS)}.")
    said = FinetuneOptions(output_dir="nowhere", skill=skill.name, **options)
    return epoch_rows(with_inferred_types(skill) if said.infer and said.refill else skill, model, tokenizer, said)[0]


def epoch_rows(
    skill: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, options: FinetuneOptions
) -> tuple[EpochRows, list[str]]:
    """[`training_rows`], and the out-of-scope utterances that are held out to calibrate on."""
    out_of_scope, held_out = choose_out_of_scope(skill, model, tokenizer, options)
    rows = EpochRows(
        skill, tokenizer, model.skill(skill.name), refill=options.refill, misspell=options.misspell, out_of_scope=out_of_scope,
        out_of_scope_share=options.out_of_scope_share, seed=options.seed, name_rows=options.name_rows,
        skill_id=model.skill_id(skill.name),
    )  # fmt: skip
    return rows, held_out


__all__ = ["epoch_rows", "training_rows"]
