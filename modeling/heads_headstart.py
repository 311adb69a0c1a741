"""A head as files: the layers that are one skill's own, its labels, and which trunk they belong to.

`head.safetensors` holds the weights and `head.json` the rest; a folder or repository of several heads has one folder for each, named after
the skill. Nothing in them is run when they are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypedDict, cast

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from .canonical_headstart import CanonicalValues
from .configuration_headstart import check_entry
from .entries_headstart import SKILL_NAME, SkillEntry, read_entry
from .folders_headstart import HEAD, HEAD_FOLDER, HEAD_WEIGHTS, check_room
from .gazetteer_headstart import Gazetteer, tensor_version
from .hub_headstart import publish
from .integrity_headstart import Seal, drop_figures, known_seal, read_seal, sealed
from .pretrained_headstart import NO_NUMBERS, is_finite, renamed
from .weights_headstart import write_aside

FORMAT, READ_FORMATS = 2, (1, 2)  # of the files; the first had other names of weights and fields


class HubOptions(TypedDict, total=False):
    """Where on a hub a head is looked for: branch, tag or commit, and the token."""

    revision: str | None
    token: str | bool | None


class Trunk(TypedDict):
    """Which trunk a head belongs to: its name, and the SHA-256 of what the head reads of it."""

    name: str
    fingerprint: str


class SkillsOwner(Protocol):
    """What heads need of a network, see [`SkillsMixin`]."""

    config: Any
    device: Any
    dtype: Any
    trunk: Any
    task_layers: nn.ModuleDict
    fingerprints: dict[str | None, tuple[Any, str]]

    @property
    def skills(self) -> list[str]: ...  # noqa: D102

    def skill(self, name: str | None = None) -> SkillEntry: ...  # noqa: D102

    def new_modules(self, entry: SkillEntry) -> dict[str, nn.Module]: ...  # noqa: D102

    def modules_of(self, entry: SkillEntry) -> dict[str, nn.Module]: ...  # noqa: D102

    def put_entry(self, entry: SkillEntry, parts: Mapping[str, nn.Module]) -> None: ...  # noqa: D102


class WrongTrunkError(ValueError):
    """A head belongs to another trunk than the one that it was to be put on."""


def save_head(model: SkillsOwner, name: str, folder: str | Path, facts: Mapping[str, Any]) -> None:
    """See [`HeadstartForJointNLU.save_skill`]."""
    folder = Path(folder)
    check_room(folder, HEAD_FOLDER)
    files = head_files(model, name, facts)
    old = known_seal(folder, HEAD_FOLDER)
    if (folder / HEAD).is_file() and old.content.get("weights") != _hash(files[HEAD_WEIGHTS]):
        drop_figures(old, [model.skill(name)])
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():  # the description comes last: it holds the hash of the weights
        write_aside(folder / file, content)


def head_files(model: SkillsOwner, name: str, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of a head's files, by name."""
    entry = model.skill(name)
    parts = {part: module for part, module in model.modules_of(entry).items() if part != "task_layers" or _owns_layers(entry)}
    weights = save(_join(parts), metadata={"format": "pt"})
    trunk = {"name": trunk_name(model), "fingerprint": fingerprint(model, None if _owns_layers(entry) else entry["task_layers"])}
    description = {**facts, "format": FORMAT, "skill": entry, "trunk": trunk, "weights": _hash(weights)}
    return {HEAD_WEIGHTS: weights, HEAD: sealed(description, HEAD, {HEAD_WEIGHTS: _hash(weights)})}


def push_head(
    model: SkillsOwner, name: str, repo_id: str, facts: Mapping[str, Any], *, message: str | None, **options: Any
) -> str:
    """See [`HeadstartForJointNLU.push_skill_to_hub`]."""
    return publish(repo_id, head_files(model, name, facts), "head", message or f"the head of {name}", **options)


def load_head(
    model: SkillsOwner, source: str | Path, name: str | None, as_name: str | None, *, is_forced: bool, hub: HubOptions
) -> str:
    """See [`HeadstartForJointNLU.load_skill`]."""
    where = f"{str(source)!r}" + ("" if name is None else f", skill {name!r}")
    subfolder, seal = _find_head(str(source), name, where, hub)
    entry, trunk, wanted_hash = _parse(seal, where)
    if as_name is not None:
        layers = as_name if _owns_layers(entry) else entry["task_layers"]
        entry = check_entry({**entry, "name": as_name, "task_layers": layers})
    if entry["name"] in [*model.skills, *model.task_layers]:
        raise ValueError(
            f"the name {entry['name']!r} is taken: call model.delete_skill({entry['name']!r}) first, or give the head another with as_name=."
        )
    _check_trunk(model, entry, trunk, is_forced, where)
    tensors = _read_weights(_find_file(str(source), subfolder, HEAD_WEIGHTS, hub), wanted_hash, seal)
    _attach(model, entry, tensors, where)
    return str(entry["name"])


def trunk_of(folder: str | Path) -> str:
    """The name of the trunk that the head in a folder belongs to.

    Raises:
        ValueError: there is no head, or it is damaged.
    """
    _, seal = _find_head(str(folder), None, repr(str(folder)), {})
    return _parse(seal, repr(str(folder)))[1]["name"]


def _owns_layers(entry: SkillEntry) -> bool:
    return bool(entry["task_layers"] == entry["name"])


def _find_head(source: str, name: str | None, where: str, hub: HubOptions) -> tuple[str, Seal]:
    """The folder of a head in a folder or repository, and what `head.json` says, which may be of another version."""
    if Path(source).exists() and not Path(source).is_dir():
        raise ValueError(f"{source!r} is a file; name the folder or repository that holds {HEAD}.")
    if not Path(source).exists() and (source.count("/") != 1 or source.startswith((".", "/", "~"))):
        raise ValueError(f"there is no folder {source!r}; give the folder of a head, or owner/name of a repository on the hub.")
    if name is not None and not SKILL_NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is no name of a skill; heads lie in folders named after their skills.")
    for subfolder in [*([name] if name is not None else []), ""]:
        found = _find_file(source, subfolder, HEAD, hub)
        if found is None:
            continue
        seal = read_seal(found.parent, HEAD_FOLDER, is_checked=False)
        skill = seal.content.get("skill")
        own_name = skill.get("name") if isinstance(skill, dict) else name  # whatever is wrong with it is said later
        if name in (None, own_name):
            return subfolder, seal
        if subfolder:
            raise ValueError(
                f"the folder {name!r} of {source!r} holds the head of the skill {str(own_name)[:80]!r}: give the folder that name, or load it as "
                f"it is: model.load_skill({f'{source}/{name}'!r}, as_name={name!r})."
            )
    there = sorted(path.parent.name for path in Path(source).glob(f"*/{HEAD}")) if Path(source).is_dir() else []
    hint = f" Its heads: {', '.join(there)}; name one." if there else ""
    raise ValueError(f"there is no head in {where}: {HEAD} is not there.{hint}")


def _find_file(source: str, subfolder: str, name: str, hub: HubOptions) -> Path | None:
    if Path(source).is_dir():
        path = Path(source) / subfolder / name
        return path if path.is_file() else None
    try:
        return Path(hf_hub_download(source, name, subfolder=subfolder or None, **hub))
    except LocalEntryNotFoundError as error:  # not a missing file: no network, and nothing in the cache
        raise OSError(
            f"there is no folder {source!r}, and it can't be loaded from the hub: {' '.join(str(error).split())}"
        ) from error
    except EntryNotFoundError:
        return None


def _parse(seal: Seal, where: str) -> tuple[SkillEntry, Trunk, str]:
    """The skill's entry, the trunk's name and fingerprint, and the hash of the weights."""
    description = seal.content
    if description.get("format") not in READ_FORMATS:
        raise ValueError(
            f"the head {where} has format {description.get('format')!r}; this version reads {' and '.join(map(str, READ_FORMATS))}: update headstart."
        )
    read_seal(seal.folder, HEAD_FOLDER)  # a later version may have another one
    entry, weights = description.get("skill"), description.get("weights")
    trunk: Any = description.get("trunk")
    facts = [weights, *(trunk.get(field) for field in ("name", "fingerprint"))] if isinstance(trunk, dict) else []
    if len(facts) < 3 or not all(isinstance(fact, str) for fact in facts) or not isinstance(entry, dict):
        raise seal.damaged(f"{HEAD} lacks its trunk or the hash of its weights")
    try:
        return check_entry(read_entry(entry)), cast(Trunk, trunk), str(weights)
    except ValueError as error:
        raise ValueError(f"the head {where} is damaged or of another version: {error}") from error


def _check_trunk(model: SkillsOwner, entry: SkillEntry, trunk: Trunk, is_forced: bool, where: str) -> None:
    """Raise `WrongTrunkError` if the model's trunk, or the task layers that the head shares, are not those it was trained on."""
    shared = None if _owns_layers(entry) else entry["task_layers"]
    if shared is not None and shared not in model.task_layers:
        raise WrongTrunkError(
            f"the head {where} was trained on {trunk['name']!r} and shares its task layers {shared!r}, which this model "
            f"({trunk_name(model)!r}) lacks: load it on {trunk['name']!r}, before the skills of its own are deleted."
        )
    found = fingerprint(model, shared)
    if not is_forced and trunk["fingerprint"] != found:
        narrow = (
            "" if model.dtype == torch.float32 else f" Its weights are {model.dtype} here: load heads in the dtype of training."
        )
        raise WrongTrunkError(
            f"the head {where} was trained on the trunk {trunk['name']!r} ({trunk['fingerprint'][:12]}), and this model's is "
            f"{trunk_name(model)!r} ({found[:12]}): load it on {trunk['name']!r}, or pass force=True and measure it anew.{narrow}"
        )


def _read_weights(file: Path | None, wanted_hash: str, seal: Seal) -> dict[str, torch.Tensor]:
    if file is None:
        raise seal.missing(HEAD_WEIGHTS)
    content = file.read_bytes()
    if {wanted_hash, seal.hashes.get(HEAD_WEIGHTS, wanted_hash)} != {_hash(content)}:
        raise seal.changed(HEAD_WEIGHTS)
    try:
        tensors = {renamed(key): value for key, value in load(content).items()}
    except SafetensorError as error:
        raise seal.damaged(f"{HEAD_WEIGHTS} can't be read ({error})") from error
    for key, value in tensors.items():
        if not is_finite(value):
            raise seal.damaged(f"{key} in {HEAD_WEIGHTS} holds {NO_NUMBERS}")
    return tensors


def _attach(model: SkillsOwner, entry: SkillEntry, tensors: dict[str, torch.Tensor], where: str) -> None:
    """Give the model the skill with its weights; a head that doesn't fit leaves the model as it was."""
    with torch.device("meta"):  # sizes alone: a wrong number in the description must not ask for memory
        parts = model.new_modules(entry)
    wanted = _join(parts)
    problems = [
        f"{key}: {_shape(tensors.get(key))} in the file, {_shape(wanted.get(key))} for its labels"
        for key in sorted({*wanted, *tensors})
        if key not in wanted
        or key not in tensors
        or wanted[key].shape != tensors[key].shape
        or wanted[key].is_floating_point() != tensors[key].is_floating_point()
    ]
    if problems:
        raise ValueError(f"the head {where} is damaged, its weights don't fit its labels:\n  " + "\n  ".join(problems[:8]))
    for part, module in parts.items():
        state = {key: tensors[f"{part}.{key}"] for key in module.state_dict()}
        module.load_state_dict(state, assign=True)
        # Adapters are kept as narrow as they were saved: there may be hundreds of heads.
        module.to(model.device, None if part == "adapters" else model.dtype)
    if "gazetteers" in parts or "canonical" in parts:
        try:
            if "gazetteers" in parts:
                cast(Gazetteer, parts["gazetteers"]).values()
            if "canonical" in parts:
                cast(CanonicalValues, parts["canonical"]).resolver()
        except ValueError as error:
            raise ValueError(f"the head {where} is damaged: {error}") from error
    model.put_entry(entry, parts)


def _join(parts: dict[str, nn.Module]) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{key}": value.detach().contiguous()
        for part, module in parts.items()
        for key, value in module.state_dict().items()
    }


def _shape(tensor: torch.Tensor | None) -> Any:
    return "nothing" if tensor is None else tuple(tensor.shape)


def trunk_name(model: SkillsOwner) -> str:
    """What the checkpoint is called that a model was loaded from: a repository's name, or a folder's."""
    path = str(model.config.name_or_path or "")
    if not path:
        return "a model without a name"
    # Of a folder, whether or not it is still there, the last part: where it lay says nothing to others.
    return Path(path).resolve().name if Path(path).is_dir() or Path(path).is_absolute() else path


def fingerprint(model: SkillsOwner, task_layers: str | None = None) -> str:
    """SHA-256 of what a head reads but doesn't own: embeddings, common bi-LSTM, and task layers if it shares any."""
    shared: dict[str, nn.Module] = {"trunk": model.trunk}
    if task_layers is not None:
        shared["task_layers"] = model.task_layers[task_layers]
    tensors = sorted(_join(shared).items())
    # Kept, since hundreds of heads are compared with one trunk: what changes a tensor in place raises its version, or at least its sum.
    state = [(key, value.data_ptr(), tensor_version(value), value.sum().item()) for key, value in tensors]
    known = model.fingerprints.get(task_layers)
    if known is None or known[0] != state:
        digest = hashlib.sha256()
        for key, value in tensors:
            digest.update(f"{key} {tuple(value.shape)}".encode())
            digest.update(value.cpu().float().numpy().tobytes())
        model.fingerprints[task_layers] = known = (state, digest.hexdigest())
    return known[1]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


__all__ = [
    "HubOptions",
    "SkillsOwner",
    "WrongTrunkError",
    "fingerprint",
    "head_files",
    "load_head",
    "push_head",
    "save_head",
    "trunk_name",
    "trunk_of",
]
