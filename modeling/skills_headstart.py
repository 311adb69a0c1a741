"""The skills of a network: adding, removing, saving and loading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from torch import nn

from .canonical_headstart import CanonicalValues
from .catalog_headstart import Listed
from .catalog_tokens_headstart import tokenize_catalogs
from .configuration_headstart import check_entry
from .entries_headstart import REJECT_THRESHOLD, SkillEntry, crf_of
from .gazetteer_headstart import Gazetteer, catalog_tensors, gazetteer_size
from .heads_headstart import fingerprint, load_head, push_head, save_head
from .layers_headstart import SkillClassifiers, TaskLayers
from .lora_headstart import HeadAdapters
from .novelty_headstart import NOVELTY_RANK, Novelty
from .resolution_headstart import pack_values
from .routing_headstart import Router
from .skill_sets_headstart import MODULES, SKILLS_LOCK, layer_key


class SkillLabels(Protocol):
    """Anything that names a skill and its labels. A `headstart.Skill` has more, which [`SkillsMixin.add_skill`] reads: `catalogs`, values by slot
    label, and `label_priors()`, the slot labels that each intent has in its training rows."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def intents(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def slots(self) -> Sequence[str]: ...  # noqa: D102


def _listed_of(skill: SkillLabels) -> Mapping[str, Listed] | None:
    """By slot label, what a `headstart.Skill` lists."""
    listed = getattr(skill, "listed", None)
    return None if listed is None else {label: listed(label) for label in cast(Any, skill).catalogs}


class SkillsMixin(nn.Module):
    """What [`HeadstartForJointNLU`] does with its skills: each has an entry in the configuration, and layers by its name."""

    config: Any
    device: Any
    dtype: Any
    trunk: Any
    _init_weights: Any
    task_layers: nn.ModuleDict
    classifiers: nn.ModuleDict
    gazetteers: nn.ModuleDict
    canonical: nn.ModuleDict
    adapters: nn.ModuleDict
    routers: nn.ModuleDict
    novelties: nn.ModuleDict
    fingerprints: dict[str | None, tuple[Any, str]]

    if TYPE_CHECKING:  # HeadstartForJointNLU has them

        @property
        def entries(self) -> list[SkillEntry]: ...  # noqa: D102

        @property
        def skills(self) -> list[str]: ...  # noqa: D102

        def skill(self, name: str | None = None) -> SkillEntry: ...  # noqa: D102

        def own_tokenizer(self) -> Any: ...  # noqa: D102

    def add_skill(
        self,
        skill: SkillLabels,
        *,
        reset: Literal["classifiers", "task_layers"] = "classifiers",
        task_layers_from: str | None = None,
        catalogs: Mapping[str, Sequence[Sequence[int]]] | None = None,
        listed: Mapping[str, Listed] | None = None,
        rejects: bool | None = None,
        reject_threshold: float = REJECT_THRESHOLD,
        label_priors: Mapping[str, Sequence[str]] | None = None,
        slot_types: Mapping[str, str] | None = None,
        rank: int | None = None,
        routes: bool = False,
        tokenizer: Any = None,
    ) -> None:
        """Add a skill with new classifiers of its own; other skills' parameters are not touched. Of a `headstart.Skill`, all is taken that fine-tuning
        takes: catalogs, types of slots, "none of these", and which slots each intent has; of anything else with labels, these alone.

        Args:
            skill: its name, intents and slots are read, and its catalogs and rows, if it has any.
            reset: `"classifiers"`: the ST and IC bi-LSTMs start as a copy of those of another skill; `"task_layers"`: they
                start at random too, as in the paper.
            task_layers_from: the skill whose ST and IC bi-LSTMs are copied; the first one if it is left out.
            listed: by slot label, what the developer lists for it (`headstart.Skill.listed`): answers say which of these values was meant. Unset:
                the skill's; `{}`: nothing.
            rejects: the skill can answer "none of these".
            reject_threshold: the probability of that, against the best intent alone, over which an utterance is rejected, where a request says no other.
            label_priors: the slot labels that each intent was seen with; others become less probable where it is found. Unset: those of the skill's
                rows; `{}`: none.
            slot_types: by slot label, the platform's built-in type, such as `AMAZON.DATE`: what its values are resolved as; labels that the
                skill lacks are left out. Unset: the skill's; `{}`: none.
            rank: unset: the skill has ST and IC bi-LSTMs of its own. A number: it shares those of `task_layers_from`, and changes them and the
                common bi-LSTM for itself by low-rank adapters (LoRA) of this rank; 0: it changes nothing.
            routes: the skill can be found among others without its name; it needs a rank.
            tokenizer: what the skill's catalogs are read with; unset: the tokenizer of the checkpoint that the model was loaded from.

        Raises:
            ValueError: the name is taken or not allowed, there is no label, no skill to copy task layers from, or no tokenizer for its catalogs.
        """
        if reset not in ("classifiers", "task_layers"):
            raise ValueError(f"reset is {reset!r}; it must be 'classifiers' or 'task_layers'.")
        if reset == "task_layers" and rank is not None:
            raise ValueError("a rank is for layers that are shared; with reset='task_layers', leave it out.")
        if reset == "classifiers" and not self.skills:
            raise ValueError("this model has no skill whose task layers could start warm; pass reset='task_layers'.")
        source = self.skill(task_layers_from or self.skills[0])["task_layers"] if reset == "classifiers" else None
        if catalogs is None and getattr(skill, "catalogs", None):
            catalogs = tokenize_catalogs(cast(Any, skill).catalogs, self.own_tokenizer() if tokenizer is None else tokenizer)
        listed = _listed_of(skill) if listed is None else listed
        slot_types = getattr(skill, "slot_types", None) if slot_types is None else slot_types
        priors_of_rows = getattr(skill, "label_priors", None)
        rejects = priors_of_rows is not None if rejects is None else rejects
        label_priors = priors_of_rows() if label_priors is None and priors_of_rows is not None else label_priors
        found = {label: [value for value in values if len(value)] for label, values in (catalogs or {}).items()}
        catalogs = {label: values for label, values in found.items() if values}
        tensors = catalog_tensors(catalogs)
        labels, texts = pack_values(listed or {})
        fields = {
            "name": skill.name,
            "intents": list(skill.intents),
            "slots": list(skill.slots),
            "task_layers": skill.name if rank is None else source,
            "rank": rank,
            "routes": routes or None,
            "gazetteer": gazetteer_size(catalogs, tensors) if catalogs else None,
            "canonical": {"slots": labels, "bytes": len(texts)} if labels else None,
            "rejection": {"temperature": 1.0, "threshold": reject_threshold} if rejects and skill.intents else None,
            "label_priors": {intent: sorted(labels) for intent, labels in label_priors.items()}
            if label_priors and skill.intents and skill.slots
            else None,
            "slot_types": {label: name for label, name in (slot_types or {}).items() if label in skill.slots} or None,
            "crf": crf_of(skill.slots),
            "novelty": NOVELTY_RANK if rejects and skill.intents else None,
        }
        entry = check_entry({field: value for field, value in fields.items() if value is not None})
        self._check_name(skill.name)
        parts = self.new_modules(entry)
        for module in parts.values():
            module.to(self.device, self.dtype).apply(self._init_weights)
        if catalogs:
            cast(Gazetteer, parts["gazetteers"]).fill(tensors)
        if labels:
            cast(CanonicalValues, parts["canonical"]).fill(texts)
        if source is not None and rank is None:
            parts["task_layers"].load_state_dict(self.task_layers[source].state_dict())
        self.put_entry(entry, parts)

    def new_modules(self, entry: SkillEntry) -> dict[str, nn.Module]:
        """New layers for a skill, by part of the network."""
        added: dict[str, nn.Module] = {}
        if entry["task_layers"] not in self.task_layers:
            added["task_layers"] = self._new_task_layers()
        added["classifiers"] = self._new_classifiers(entry)
        if "gazetteer" in entry:
            added["gazetteers"] = self._new_gazetteer(entry)
        if "canonical" in entry:
            added["canonical"] = CanonicalValues(entry["canonical"])
        if entry.get("rank"):
            added["adapters"] = self._new_adapters(entry)
        if entry.get("routes"):
            added["routers"] = Router(2 * self.config.task_hidden_size, len(entry["intents"]))
        if "novelty" in entry:
            added["novelties"] = Novelty(2 * self.config.hidden_size, len(entry["intents"]), entry["novelty"])
        return added

    def put_modules(self, entry: SkillEntry, parts: Mapping[str, nn.Module]) -> None:
        """Take a skill's layers, by part of the network."""
        for part, module in parts.items():
            getattr(self, part)[layer_key(part, entry)] = module.train(self.training)

    def put_entry(self, entry: SkillEntry, parts: Mapping[str, nn.Module]) -> None:
        """Take a skill with its layers, all at once for those who ask meanwhile.

        Raises:
            ValueError: its name is taken.
        """
        with SKILLS_LOCK:
            self._check_name(entry["name"])
            self.put_modules(entry, parts)
            self.config.skills = [*self.config.skills, entry]

    def _check_name(self, name: str) -> None:
        if name in self.skills:
            raise ValueError(f"there is a skill {name!r} already; call model.delete_skill({name!r}) first.")
        if name in self.task_layers:
            raise ValueError(f"{name!r} names task layers of {self._users(name)}; choose another skill name.")

    def modules_of(self, entry: SkillEntry) -> dict[str, nn.Module]:
        """The layers of a skill, by part of the network."""
        return {
            part: getattr(self, part)[layer_key(part, entry)] for part in MODULES if layer_key(part, entry) in getattr(self, part)
        }

    def delete_skill(self, name: str) -> None:
        """Remove a skill, and its task layers if no other skill uses them; what a head shares stays for the next one. A request that has begun
        ends as if nothing were.

        Raises:
            ValueError: there is no such skill.
        """
        with SKILLS_LOCK:
            entry = self.skill(name)
            self.config.skills = [other for other in self.config.skills if other is not entry]
            keeps_layers = "rank" in entry or self._users(entry["task_layers"])
            for part in self.modules_of(entry):
                if part != "task_layers" or not keeps_layers:
                    del getattr(self, part)[layer_key(part, entry)]

    def rename_skill(self, name: str, new_name: str) -> None:
        """Give a skill another name; its id changes, what it answers doesn't.

        Raises:
            ValueError: there is no such skill, the name is not allowed or taken, or others share the task layers that are named after it.
        """
        with SKILLS_LOCK:
            entry = self.skill(name)
            owns_layers = entry["task_layers"] == name
            if owns_layers and len(self._users(name)) > 1:
                raise ValueError(f"{name!r} names task layers of {self._users(name)}; it can't be renamed.")
            renamed = check_entry({**entry, "name": new_name, "task_layers": new_name if owns_layers else entry["task_layers"]})
            parts = self.modules_of(entry)
            self.put_entry(renamed, parts if owns_layers else {part: parts[part] for part in parts if part != "task_layers"})
            self.delete_skill(name)

    def _users(self, task_layers: str) -> list[str]:
        return [entry["name"] for entry in self.config.skills if entry["task_layers"] == task_layers]

    def save_skill(self, name: str, folder: str | Path, **facts: Any) -> None:
        """Write a skill as a head: `head.safetensors` with the layers that are its own, and `head.json`.

        Args:
            name: the skill.
            folder: folder to write to; a head that is there is replaced, and figures of its weights go, and its card if it is of another skill.
            facts: further entries of `head.json`, such as its metrics.

        Raises:
            ValueError: there is no such skill, or the folder holds something else.
        """
        save_head(self, name, folder, facts)

    def push_skill_to_hub(
        self,
        name: str,
        repo_id: str,
        *,
        path_in_repo: str | None = None,
        private: bool | None = None,
        revision: str | None = None,
        message: str | None = None,
        token: str | None = None,
        **facts: Any,
    ) -> str:
        """Publish a skill as a head, in one commit.

        Args:
            name: the skill.
            repo_id: `owner/name`, or `name` for your own account; made if it is not there.
            path_in_repo: a folder of a repository of several heads, usually named after the skill; unset: the top of its own.
            private, revision, message, token: as for [`headstart.hub.push.push`], which also publishes a card.
            facts: further entries of `head.json`.

        Returns:
            address of the commit.

        Raises:
            ValueError: there is no such skill, or a name is none that a hub allows.
            PublishError: there is no token, no right to write, no network, or the repository holds something else or is public.
        """
        return push_head(
            self,
            name,
            repo_id,
            facts,
            message=message,
            path_in_repo=path_in_repo,
            private=private,
            revision=revision,
            token=token,
        )

    def load_skill(
        self,
        source: str | Path,
        name: str | None = None,
        *,
        as_name: str | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        force: bool = False,
    ) -> str:
        """Add a skill from a head; what other skills answer stays the same, to the bit.

        Args:
            source: folder of a head, or of several, or a hub's repository of one or several.
            name: which head; may be left out if there is one, at the top.
            as_name: what the skill is called in this model; unset: as in the head.
            revision: branch, tag or commit of the repository.
            token: of the hub.
            force: load it on another trunk than it was trained on, where it answers worse or wrongly.

        Returns:
            the skill's name in this model.

        Raises:
            WrongTrunkError: it was trained on another trunk.
            ValueError: there is no such head, it is damaged, or its name is taken.
        """
        return load_head(self, source, name, as_name, is_forced=force, hub={"revision": revision, "token": token})

    def fingerprint(self, task_layers: str | None = None) -> str:
        """SHA-256 of what heads read but don't own: embeddings, common bi-LSTM, and the task layers of that name if they share any."""
        return fingerprint(self, task_layers)

    def set_tune(self, tune: Literal["all", "head"]) -> None:
        """Choose what is trained: everything, or (`"head"`) what skills don't share, on a trunk that stays as it is."""
        if tune not in ("all", "head"):
            raise ValueError(f"tune is {tune!r}; it must be 'all' or 'head'.")
        self.trunk.requires_grad_(tune == "all")
        for name in {entry["task_layers"] for entry in self.config.skills if "rank" in entry}:
            self.task_layers[name].requires_grad_(tune == "all")

    def _new_task_layers(self) -> TaskLayers:
        config = self.config
        return TaskLayers(2 * config.hidden_size, config.task_hidden_size, config.hidden_dropout, config.intent_pooling)

    def _new_classifiers(self, entry: SkillEntry) -> SkillClassifiers:
        width = 2 * self.config.task_hidden_size
        return SkillClassifiers(
            width, len(entry["intents"]), len(entry["slots"]), has_rejection="rejection" in entry, is_factored="crf" in entry
        )

    def _new_gazetteer(self, entry: SkillEntry) -> Gazetteer:
        config = self.config
        return Gazetteer(
            entry["gazetteer"],
            vocab_size=config.vocab_size,
            input_size=2 * config.hidden_size,
            num_tags=1 + 2 * len(entry["slots"]),
            num_intents=len(entry["intents"]) + ("rejection" in entry),
            dropout=config.gazetteer_dropout,
        )

    def _new_adapters(self, entry: SkillEntry) -> HeadAdapters:
        config = self.config
        return HeadAdapters(config.embedding_size, config.hidden_size, config.task_hidden_size, entry["rank"])


__all__ = ["SkillLabels", "SkillsMixin"]
