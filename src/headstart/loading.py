"""What a name stands for, a checkpoint, heads or an exported skill, and the object that answers from it.

An exported skill is loaded without torch.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from headstart.checkpoints import SHORT_NAMES, resolve_checkpoint
from headstart.consent import TRUST, brings_code, said, told_in_one_line
from headstart.hub.pull import pull
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.folders_headstart import CHECKPOINT, CODE, EXPORTED, TOKENIZER, find_heads, kind_of
from headstart.modeling.integrity_headstart import read_seal
from headstart.onnx import OnnxNLU
from headstart.progress import bars_on_terminals

if TYPE_CHECKING:  # which waits for torch
    from headstart.tokenization import NLUPipeline


def load_pipeline(model: str | Path, *, base: str | Path | None = None, **options: Any) -> NLUPipeline | OnnxNLU:
    """The pipeline `joint-nlu` of a checkpoint, by folder, repository or short name, or the exported skill or the heads that a folder or
    repository holds.

    Args:
        model: the checkpoint, exported skill, head, or folder or repository of heads.
        base: for heads, the checkpoint whose trunk they belong to; unset: the embedded one of the name that they hold.
        options: of the pipeline, such as `device`. Code that a checkpoint brings is run only with `trust_remote_code=True`.

    Raises:
        ValueError: the base of a head is none of those embedded, and wasn't given; or the folder holds two kinds of models.
    """
    if str(model) not in SHORT_NAMES and not Path(model).exists():
        resolve_checkpoint(model)  # refuses what no repository is called
        pulled = pull(str(model), options.get("revision"), options.get("token"))
        if pulled is not None:
            model = pulled
            options.pop("revision", None)  # was that of this repository
    heads = find_heads(Path(model))
    if base is not None and not heads:
        raise ValueError(f"a base is for heads; {str(model)!r} is a whole model: leave it out.")
    if kind_of(Path(model)) is EXPORTED:
        for name in ("token", TRUST):
            options.pop(name, None)
        return OnnxNLU(model, **options)
    if not heads:
        return _load_checkpoint(resolve_checkpoint(model), options)
    return _load_heads(heads, base, options)


def _load_heads(heads: list[Path], base: str | Path | None, options: dict[str, Any]) -> NLUPipeline:
    nlu = _load_checkpoint(_base_of(heads[0]) if base is None else resolve_base(base), options)
    others = nlu.model.skills
    for head in heads:
        nlu.model.load_skill(head)
    for name in others:
        nlu.model.delete_skill(name)
    return nlu


def resolve_base(base: str | Path) -> str:
    """Folder or repository of a checkpoint to start from, or whose trunk heads belong to.

    Raises:
        ValueError: the folder holds no whole checkpoint.
    """
    checkpoint = resolve_checkpoint(base)
    if Path(checkpoint).exists():
        _check_checkpoint(Path(checkpoint), "the base ")
    return checkpoint


def _check_checkpoint(folder: Path, role: str = "") -> None:
    """Look at a folder before transformers reads it in its own way.

    Raises:
        ValueError: it holds no whole checkpoint.
    """
    kind = kind_of(folder)
    if kind is not CHECKPOINT:
        heads = "heads in folders of their own" if find_heads(folder) else "no model"
        found = "is a file" if folder.is_file() else f"holds {heads if kind is None else kind.title}"
        raise ValueError(
            f"{role}{str(folder)!r} {found}; give the folder of a checkpoint ({', '.join(CHECKPOINT.needed)}), owner/name of a repository "
            f"on the hub, or a short name: {', '.join(SHORT_NAMES)}."
        )
    seal = read_seal(folder, CHECKPOINT)
    model_type = seal.content.get("model_type")
    if model_type != CHECKPOINT.name:
        if "auto_map" in seal.content:
            raise brings_code(folder)
        raise ValueError(f"{role}{str(folder)!r} holds no Headstart checkpoint: its model_type is {str(model_type)[:80]!r}.")
    # The code of the package is run, not that which lies there.
    for name in (TOKENIZER, *(name for name in seal.hashes if not fnmatch(name, CODE))):
        if not (folder / name).is_file():
            raise seal.missing(name)


def _load_checkpoint(checkpoint: str, options: dict[str, Any]) -> NLUPipeline:
    from transformers import pipeline

    options = said(options)
    if Path(checkpoint).exists() and not options[TRUST]:
        _check_checkpoint(Path(checkpoint))
    try:
        with told_in_one_line(checkpoint), bars_on_terminals():
            return cast("NLUPipeline", cast(Any, pipeline)("joint-nlu", model=checkpoint, **options))
    except ValueError as error:
        # transformers tells of each class that it tried, with tracebacks; what was wrong stands at the end.
        if not str(error).startswith("Could not load model"):
            raise
        *_, kind, reason = re.split(r"^((?:\w+\.)*\w*(?:Error|Exception)): ", str(error), flags=re.MULTILINE)
        if kind == "ValueError":
            raise ValueError(reason.strip()) from error
        raise ValueError(
            f"{checkpoint!r} can't be loaded ({kind}: {reason.strip().splitlines()[0][:200]}). Copy or save it anew."
        ) from error
    except Exception as error:
        # What transformers and tokenizers raise where a file holds what they don't look for.
        if type(error) not in (AttributeError, Exception, IndexError, KeyError, RecursionError, TypeError):
            raise
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(f"{checkpoint!r} can't be loaded ({type(error).__name__}: {reason}). Copy or save it anew.") from error


def _base_of(head: Path) -> str:
    from headstart.modeling.heads_headstart import trunk_of

    name = trunk_of(head)
    if name not in SHORT_NAMES:
        raise ValueError(
            f"the head {str(head)!r} was trained on {name!r}, which is not embedded: give its folder or repository as base."
        )
    return SHORT_NAMES[name]


def skill_entry(nlu: NLUPipeline | OnnxNLU, skill: str | None = None) -> SkillEntry:
    """Name, intents, slots and the rest of a skill; see [`headstart.HeadstartForJointNLU.skill`]."""
    return nlu.skill(skill) if isinstance(nlu, OnnxNLU) else cast(SkillEntry, nlu.model.skill(skill))


def finds_skills(nlu: NLUPipeline | OnnxNLU) -> bool:
    """Whether it finds out by itself for which of its skills a text is."""
    return not isinstance(nlu, OnnxNLU) and bool(nlu.model.routed_skills)


__all__ = ["finds_skills", "load_pipeline", "resolve_base", "skill_entry"]
