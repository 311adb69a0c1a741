"""Headstart: a common bi-LSTM (the trunk), with a bi-LSTM for slots and one for intents on top of it for every skill.

After Goyal, Metallinou and Matsoukas, "Fast and Scalable Expansion of Natural Language Understanding Functionality for
Intelligent Agents" (NAACL 2018, arXiv 1805.01542). Deviations: slot tags are decoded by a linear-chain CRF over words, the
intent is read from the maximum over tokens, and in pretraining each row competes only against its own source's labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, cast

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from transformers import PreTrainedModel
from transformers import initialization as init

from .configuration_headstart import HeadstartConfig, check_skill_entry
from .gazetteer_headstart import Gazetteer, build_trie
from .layers_headstart import BiLSTM, LinearChainCRF, SkillClassifiers, TaskLayers, map_packed
from .losses_headstart import IGNORED, gather_words, intent_losses, mean_of, merge_rows, slot_losses, slot_priors
from .outputs_headstart import HeadstartDecoding, HeadstartJointNLUOutput, HeadstartModelOutput, SkillScores, TaskStates

REJECTED = -1  # decoded where an utterance has none of the skill's intents


class SkillLabels(Protocol):
    """Anything that names a skill and its labels, such as `headstart.Skill`."""

    name: str
    intents: list[str]
    slots: list[str]


class HeadstartPreTrainedModel(PreTrainedModel):
    """Weight initialisation and loading, shared by the trunk and the whole network."""

    config_class = HeadstartConfig
    base_model_prefix = "trunk"
    main_input_name = "input_ids"
    accepts_loss_kwargs = False

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.LSTM):
            _init_lstm(module)
        elif isinstance(module, nn.Linear):
            init.normal_(module.weight, std=self.config.initializer_range)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight)
            if module.padding_idx is not None and not getattr(module.weight, "_is_hf_initialized", False):
                init.zeros_(module.weight[module.padding_idx])
        elif isinstance(module, LinearChainCRF):
            for parameter in module.parameters():
                init.zeros_(parameter)


def _init_lstm(lstm: nn.LSTM) -> None:
    """Orthogonal recurrent weights and Xavier input weights for each gate; forget-gate bias 1 (Jozefowicz et al., 2015)."""
    hidden = lstm.hidden_size
    for name, parameter in lstm.named_parameters():
        if getattr(parameter, "_is_hf_initialized", False):
            continue
        if name.startswith("weight_hh"):
            for gate in parameter.chunk(4):
                init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            for gate in parameter.chunk(4):
                init.xavier_uniform_(gate)
        else:
            init.zeros_(parameter)
            if name.startswith("bias_ih"):
                init.ones_(parameter[hidden : 2 * hidden])  # torch orders the gates: input, forget, cell, output


class HeadstartModel(HeadstartPreTrainedModel):
    """The trunk: piece embeddings and the common bi-LSTM, which every skill shares.

    Example:

    ```python
    >>> import torch
    >>> from headstart import HeadstartConfig, HeadstartModel
    >>> trunk = HeadstartModel(HeadstartConfig(vocab_size=100, hidden_size=8))
    >>> trunk(torch.tensor([[5, 6, 7]])).last_hidden_state.shape
    torch.Size([1, 3, 16])

    ```
    """

    # RUF012: transformers declares it so
    _keys_to_ignore_on_load_unexpected = [r"^task_layers\.", r"^classifiers\.", r"^gazetteers\."]  # noqa: RUF012

    def __init__(self, config: HeadstartConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.lstm = BiLSTM(config.embedding_size, config.hidden_size)
        self.hidden_dropout = nn.Dropout(config.hidden_dropout)
        self.post_init()

    def encode(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> PackedSequence:
        """Hidden states of the common bi-LSTM, packed; see [`HeadstartModel.forward`] for the arguments."""
        packed = pack_padded_sequence(input_ids, _row_lengths(input_ids, attention_mask), batch_first=True, enforce_sorted=False)
        embeddings = self.embed_tokens(self._drop_words(packed.data))
        states, _ = self.lstm(packed._replace(data=self.embedding_dropout(embeddings)))
        return map_packed(self.hidden_dropout, states)

    def _drop_words(self, pieces: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.config.word_dropout:
            return pieces
        dropped = torch.rand(pieces.shape, device=pieces.device) < self.config.word_dropout
        return pieces.masked_fill(dropped, self.config.unk_token_id)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> HeadstartModelOutput:
        """Encode a batch of pieces.

        Args:
            input_ids: (batch, tokens) long, ids of the word pieces, padded on the right.
            attention_mask: (batch, tokens), 1 for pieces and 0 for padding; all ones if it is left out.

        Raises:
            ValueError: a row is padded on the left or has a hole.
        """
        states, _ = pad_packed_sequence(self.encode(input_ids, attention_mask), batch_first=True, total_length=input_ids.shape[1])
        return HeadstartModelOutput(last_hidden_state=states)


def _row_lengths(input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
    """Pieces in each row, on the CPU as packing wants them; an empty row counts as one piece of padding."""
    if attention_mask is None:
        return torch.full((input_ids.shape[0],), input_ids.shape[1])
    if (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
        raise ValueError("attention_mask has a 0 before a 1; pad on the right: tokenizer.padding_side = 'right'.")
    return attention_mask.sum(dim=1).clamp(min=1).cpu()


class HeadstartForJointNLU(HeadstartPreTrainedModel):
    """The trunk with any number of skills on it, each with its own intents and slot labels.

    Example:

    ```python
    >>> from transformers import AutoTokenizer
    >>> from headstart import BASE_EN, HeadstartForJointNLU
    >>> tokenizer = AutoTokenizer.from_pretrained(BASE_EN)
    >>> model = HeadstartForJointNLU.from_pretrained(BASE_EN).eval()
    >>> batch = tokenizer(["wake me at seven"], return_tensors="pt")
    >>> outputs = model(**batch, skill_ids=model.skill_ids(["massive"]))
    >>> outputs.intent_logits.shape
    torch.Size([1, 60])

    ```
    """

    def __init__(self, config: HeadstartConfig) -> None:
        super().__init__(config)
        self.trunk = HeadstartModel(config)
        self.task_layers = nn.ModuleDict()
        self.classifiers = nn.ModuleDict()
        self.gazetteers = nn.ModuleDict()
        for entry in config.skills or []:
            if entry["task_layers"] not in self.task_layers:
                self.task_layers[entry["task_layers"]] = self._new_task_layers()
            self.classifiers[entry["name"]] = self._new_classifiers(entry)
            if "gazetteer" in entry:
                self.gazetteers[entry["name"]] = self._new_gazetteer(entry)
        self.post_init()

    def _new_task_layers(self) -> TaskLayers:
        config = self.config
        return TaskLayers(2 * config.hidden_size, config.task_hidden_size, config.hidden_dropout)

    def _classifiers_of(self, entry: dict[str, Any]) -> SkillClassifiers:
        return cast(SkillClassifiers, self.classifiers[entry["name"]])

    def _new_classifiers(self, entry: dict[str, Any]) -> SkillClassifiers:
        width = 2 * self.config.task_hidden_size
        return SkillClassifiers(width, len(entry["intents"]), len(entry["slots"]), "rejection" in entry)

    def _new_gazetteer(self, entry: dict[str, Any]) -> Gazetteer:
        size, config = entry["gazetteer"], self.config
        num_tags, num_intents = 1 + 2 * len(entry["slots"]), len(entry["intents"]) + ("rejection" in entry)
        return Gazetteer(
            len(size["slots"]), size["bytes"], 2 * config.hidden_size, num_tags, num_intents, config.gazetteer_dropout
        )

    # ---- skills

    @property
    def skills(self) -> list[str]:
        """Names of the skills, in the order of their ids."""
        return [entry["name"] for entry in self.config.skills]

    def skill(self, name: str | None = None) -> dict[str, Any]:
        """The entry of a skill in `config.skills`: name, intents, slots, task_layers. The name may be left out for one skill.

        Raises:
            ValueError: there is no such skill, or none was named and the model has several or none.
        """
        if name is None and len(self.config.skills) == 1:
            return self.config.skills[0]
        for entry in self.config.skills:
            if entry["name"] == name:
                return entry
        problem = f"has no skill {name!r}" if name is not None else f"has {len(self.skills)} skills: name one"
        raise ValueError(f"this model {problem}. Its skills: {', '.join(self.skills) or 'none'}.")

    def skill_ids(self, names: list[str]) -> torch.Tensor:
        """Ids of the named skills (len(names),) long, one for each row of a batch, for `forward`."""
        return torch.tensor([self.skills.index(self.skill(name)["name"]) for name in names], device=self.device)

    def add_skill(
        self,
        skill: SkillLabels,
        *,
        reset: Literal["classifiers", "task_layers"] = "classifiers",
        task_layers_from: str | None = None,
        catalogs: Mapping[str, Sequence[Sequence[int]]] | None = None,
        rejects: bool = False,
        slots_of_intents: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Add a skill with task layers and new classifiers of its own; other skills' parameters are not touched.

        Args:
            skill: its name, intents and slots are read.
            reset: `"classifiers"`: the ST and IC bi-LSTMs start as a copy of those of another skill; `"task_layers"`: they
                start at random too, as in the paper.
            task_layers_from: the skill whose ST and IC bi-LSTMs are copied; the first one if it is left out.
            catalogs: by slot label, values as ids of their word pieces (`headstart.gazetteers.tokenize_catalogs`); matches
                become features of its task layers.
            rejects: the skill can answer "none of these".
            slots_of_intents: the slot labels that each intent was seen with; others become less probable where it is found.

        Raises:
            ValueError: the name is taken or not allowed, there is no label, or no skill to copy task layers from.
        """
        entry: dict[str, Any] = {
            "name": skill.name, "intents": list(skill.intents), "slots": list(skill.slots), "task_layers": skill.name
        }  # fmt: skip
        catalogs = {label: values for label, values in (catalogs or {}).items() if len(values)}
        trie = build_trie(catalogs) if catalogs else None
        if trie is not None:
            entry["gazetteer"] = {"slots": list(catalogs), "bytes": len(trie)}
        if rejects and entry["intents"]:
            entry["rejection"] = {"temperature": 1.0, "threshold": 0.9}
        if slots_of_intents and entry["intents"] and entry["slots"]:
            entry["slots_of_intents"] = {intent: sorted(labels) for intent, labels in slots_of_intents.items()}
        check_skill_entry(entry)
        if reset not in ("classifiers", "task_layers"):
            raise ValueError(f"reset is {reset!r}; it must be 'classifiers' or 'task_layers'.")
        if skill.name in self.skills:
            raise ValueError(f"there is a skill {skill.name!r} already; call model.delete_skill({skill.name!r}) first.")
        if skill.name in self.task_layers:
            raise ValueError(f"{skill.name!r} names task layers of {self._users(skill.name)}; choose another skill name.")
        if reset == "classifiers" and not self.skills:
            raise ValueError("this model has no skill whose task layers could start warm; pass reset='task_layers'.")
        layers = self._new_task_layers().to(self.device, self.dtype)
        classifiers = self._new_classifiers(entry).to(self.device, self.dtype)
        added: dict[nn.ModuleDict, nn.Module] = {self.task_layers: layers, self.classifiers: classifiers}
        if trie is not None:
            added[self.gazetteers] = gazetteer = self._new_gazetteer(entry).to(self.device, self.dtype)
            gazetteer.trie.copy_(trie)
        for module in added.values():
            module.apply(self._init_weights)
            module.train(self.training)
        if reset == "classifiers":
            source = self.skill(task_layers_from or self.skills[0])["task_layers"]
            layers.load_state_dict(self.task_layers[source].state_dict())
        for modules, module in added.items():
            modules[skill.name] = module
        self.config.skills = [*self.config.skills, entry]

    def delete_skill(self, name: str) -> None:
        """Remove a skill, and its task layers if no other skill uses them."""
        entry = self.skill(name)
        self.config.skills = [other for other in self.config.skills if other is not entry]
        del self.classifiers[name]
        if name in self.gazetteers:
            del self.gazetteers[name]
        if not self._users(entry["task_layers"]):
            del self.task_layers[entry["task_layers"]]

    def _users(self, task_layers: str) -> list[str]:
        return [entry["name"] for entry in self.config.skills if entry["task_layers"] == task_layers]

    def set_tune(self, tune: Literal["all", "head"]) -> None:
        """Choose what is trained: everything, or (`"head"`) task layers and classifiers on a trunk that stays as it is."""
        if tune not in ("all", "head"):
            raise ValueError(f"tune is {tune!r}; it must be 'all' or 'head'.")
        self.trunk.requires_grad_(tune == "all")

    # ---- forward

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        intent_labels: torch.Tensor | None = None,
        slot_labels: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        use_gazetteers: bool = True,
    ) -> HeadstartJointNLUOutput:
        """Score intents and slot tags, and compute the loss of whatever is annotated.

        Args:
            input_ids: (batch, tokens) long, ids of the word pieces, padded on the right.
            attention_mask: (batch, tokens), 1 for pieces and 0 for padding; all ones if it is left out.
            intent_labels: (batch,) long, index into the intents of the row's skill, their number for "none of these" (if the
                skill can reject); -100: not annotated, no loss.
            slot_labels: (batch, tokens) long, the tag of each word at its first piece (0 = `O`, 1 + 2k = `B-`, 2 + 2k =
                `I-` of slot label k of the row's skill) and -100 everywhere else; a row of -100 gives no loss.
            skill_ids: (batch,) long, index into `model.skills`; may be left out if the model has one skill.
            use_gazetteers: False: answer as if no word were in a catalog.

        Raises:
            ValueError: the skill is not given and the model has several, an id is out of range, or a row is not padded
                on the right.
        """
        order, rows_of, states, matches = self.task_states(input_ids, attention_mask, skill_ids, use_gazetteers)
        parts: dict[int, SkillScores] = {}
        for index, rows in rows_of.items():
            slot_states, intent_states = states[self.config.skills[index]["task_layers"]]
            labels = (None if given is None else given[order][rows] for given in (intent_labels, slot_labels))
            parts[index] = self.classify(index, slot_states[rows], intent_states[rows], matches.get(index), *labels)

        def collect(name: str) -> list[tuple[slice, torch.Tensor]]:
            return [(rows_of[index], value) for index, part in parts.items() if (value := getattr(part, name)) is not None]

        intent_loss, slot_loss = (mean_of([losses for _, losses in collect(name)]) for name in ("intent_losses", "slot_losses"))
        reject_logits = merge_rows(collect("reject_logits"), order)
        given = [loss for loss in (intent_loss, slot_loss) if loss is not None]
        return HeadstartJointNLUOutput(
            loss=torch.stack(given).sum() if given else None,
            intent_logits=merge_rows(collect("intent_logits"), order),
            slot_logits=merge_rows(collect("slot_logits"), order),
            reject_logits=None if reject_logits is None else reject_logits.squeeze(1),
            intent_loss=intent_loss,
            slot_loss=slot_loss,
            intent_states=merge_rows(
                [(rows, states[self.config.skills[index]["task_layers"]][1][rows]) for index, rows in rows_of.items()], order
            ),
        )

    def task_states(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        use_gazetteers: bool = True,
    ) -> TaskStates:
        """What the classifiers read; see `forward` for the arguments."""
        if skill_ids is None:
            skill_ids = self.skill_ids([self.skill()["name"]] * len(input_ids))
        # Rows are put in the order of their skills once: cutting the states into skills is then free, forward and backward.
        order = skill_ids.argsort(stable=True)
        sorted_ids, sorted_mask = input_ids[order], None if attention_mask is None else attention_mask[order]
        rows_of = self._split_skills(skill_ids[order])
        trunk_states = self.trunk.encode(sorted_ids, sorted_mask)
        matches = self._find_matches(sorted_ids, sorted_mask, rows_of) if use_gazetteers else {}
        inputs = self._add_gazetteers(trunk_states, sorted_ids, sorted_mask, rows_of, matches)
        states = {
            name: self.task_layers[name](*inputs, input_ids.shape[1])
            for name in dict.fromkeys(self.config.skills[index]["task_layers"] for index in rows_of)
        }
        return TaskStates(order, rows_of, states, matches)

    def classify(
        self,
        skill_id: int,
        slot_states: torch.Tensor,
        intent_states: torch.Tensor,
        matches: torch.Tensor | None = None,
        intent_labels: torch.Tensor | None = None,
        slot_labels: torch.Tensor | None = None,
    ) -> SkillScores:
        """Scores of one skill's rows from their states, and the loss of each annotated row.

        Args:
            skill_id: index into `model.skills`.
            slot_states: (rows, tokens, 2 * task_hidden_size), states of the ST bi-LSTM.
            intent_states: (rows, 2 * task_hidden_size), pooled states of the IC bi-LSTM.
            matches: (rows, tokens, 2 * catalogs), those of its catalogs if it has any.
            intent_labels, slot_labels: those of the rows, see `forward`.
        """
        classifiers = self._classifiers_of(self.config.skills[skill_id])
        intents = rejects = slots = losses_of_intents = losses_of_slots = slots_added = intents_added = None
        if matches is not None:
            slots_added, intents_added = cast(Gazetteer, self._gazetteer_of(skill_id)).scores(matches)
        if classifiers.intent_classifier is not None:
            scores = classifiers.intent_classifier(intent_states)
            if classifiers.reject_classifier is not None:
                scores = torch.cat([scores, classifiers.reject_classifier(intent_states)], dim=1)
            if intents_added is not None:
                scores = scores + intents_added
            intents = scores[:, : classifiers.intent_classifier.out_features]
            if classifiers.reject_classifier is not None:
                rejects = scores[:, -1:]
            if intent_labels is not None:
                losses_of_intents = intent_losses(scores, intent_labels)
        if classifiers.slot_classifier is not None and classifiers.crf is not None:
            slots = classifiers.slot_classifier(slot_states)
            if slots_added is not None:
                slots = slots + slots_added
            if slot_labels is not None:
                losses_of_slots = slot_losses(classifiers.crf, slots, slot_labels)
        return SkillScores(intents, rejects, slots, losses_of_intents, losses_of_slots)

    def _find_matches(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, rows_of: dict[int, slice]
    ) -> dict[int, torch.Tensor]:
        """What is seen of the catalog matches in the rows of each skill with catalogs, (rows, tokens, 2 * catalogs)."""
        gazetteers = {index: gazetteer for index in rows_of if (gazetteer := self._gazetteer_of(index)) is not None}
        if not gazetteers:
            return {}
        starts = self.word_starts(input_ids, attention_mask)
        return {
            index: gazetteer.hide(gazetteer.find(input_ids[rows_of[index]], starts[rows_of[index]]))
            for index, gazetteer in gazetteers.items()
        }

    def _gazetteer_of(self, skill_id: int) -> Gazetteer | None:
        name = self.config.skills[skill_id]["name"]
        return cast(Gazetteer, self.gazetteers[name]) if name in self.gazetteers else None

    def _add_gazetteers(
        self,
        trunk_states: PackedSequence,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        rows_of: dict[int, slice],
        matches: dict[int, torch.Tensor],
    ) -> tuple[PackedSequence, PackedSequence]:
        """The inputs of the ST and IC bi-LSTMs: the trunk's states, plus what catalog matches add to the rows of skills with catalogs."""
        if not matches:
            return trunk_states, trunk_states
        added = trunk_states.data.new_zeros(2, *input_ids.shape, trunk_states.data.shape[1])
        for index, found in matches.items():
            added[:, rows_of[index]] = torch.stack(cast(Gazetteer, self._gazetteer_of(index)).inputs(found))
        lengths = _row_lengths(input_ids, attention_mask)
        slot_added, intent_added = (pack_padded_sequence(part, lengths, batch_first=True, enforce_sorted=False) for part in added)
        return (
            trunk_states._replace(data=trunk_states.data + slot_added.data),
            trunk_states._replace(data=trunk_states.data + intent_added.data),
        )

    def _split_skills(self, sorted_ids: torch.Tensor) -> dict[int, slice]:
        """The rows of each skill, given each row's skill in ascending order."""
        present, counts = sorted_ids.unique_consecutive(return_counts=True)
        if present[0] < 0 or present[-1] >= len(self.skills):
            raise ValueError(f"skill_ids must lie in [0, {len(self.skills)}), got {present.tolist()}. Skills: {self.skills}.")
        ends = counts.cumsum(0)
        return {
            index: slice(end - count, end)
            for index, count, end in zip(present.tolist(), counts.tolist(), ends.tolist(), strict=True)
        }

    # ---- decoding

    def word_starts(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, tokens) bool: True at the first piece of each word, False at `##` pieces and padding."""
        continues = (input_ids >= self.config.continuation_start) & (input_ids < self.config.continuation_stop)
        starts = ~continues & (input_ids != self.config.pad_token_id)
        return starts if attention_mask is None else starts & attention_mask.bool()

    @torch.no_grad()
    def decode(
        self,
        outputs: HeadstartJointNLUOutput,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        reject_threshold: float | None = None,
    ) -> HeadstartDecoding:
        """Choose intents and tags from the scores that `forward` gave for the same batch.

        Args:
            outputs: what `forward` returned.
            input_ids, attention_mask, skill_ids: what it was given.
            reject_threshold: probability of "none of these" over which an utterance is rejected, from 0 to 1 (never); that of the
                skill's own configuration if it is left out.

        Raises:
            ValueError: the skill is not given and the model has several.
        """
        if skill_ids is None:
            skill_ids = self.skill_ids([self.skill()["name"]] * len(input_ids))
        word_starts = self.word_starts(input_ids, attention_mask)
        num_words = max(int(word_starts.sum(dim=1).max()), 1)
        intents = input_ids.new_full((len(input_ids),), IGNORED)
        intent_scores = torch.zeros(len(input_ids), device=input_ids.device)
        reject_scores = torch.zeros_like(intent_scores)
        tags = input_ids.new_full((len(input_ids), num_words), IGNORED)
        tag_scores = torch.zeros(len(input_ids), num_words, device=input_ids.device)
        for index in skill_ids.unique().tolist():
            entry = self.config.skills[index]
            rows = (skill_ids == index).nonzero().squeeze(1)
            if entry["intents"] and outputs.intent_logits is not None:
                intents[rows], intent_scores[rows], reject_scores[rows] = _choose_intents(outputs, rows, entry, reject_threshold)
            crf = self._classifiers_of(entry).crf
            if crf is not None and outputs.slot_logits is not None:
                scores = outputs.slot_logits[rows, :, : 1 + 2 * len(entry["slots"])]
                if "slots_of_intents" in entry and outputs.intent_logits is not None:
                    scores = scores + slot_priors(outputs.intent_logits[rows, : len(entry["intents"])], entry)
                emissions, mask, _ = gather_words(scores, word_starts[rows])
                best = crf.decode(emissions, mask)
                certain = crf.marginals(emissions, mask).gather(2, best.unsqueeze(2)).squeeze(2)
                tags[rows, : best.shape[1]] = best.masked_fill(~mask, IGNORED)
                tag_scores[rows, : best.shape[1]] = (certain * mask).float()
        return HeadstartDecoding(intents, intent_scores, reject_scores, tags, tag_scores)

    # ---- loading

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load a checkpoint; see `transformers.PreTrainedModel.from_pretrained`.

        Raises:
            ValueError: the checkpoint's heads don't match the skills of the configuration.
        """
        load: Any = super().from_pretrained
        if kwargs.pop("ignore_mismatched_sizes", False):
            return load(pretrained_model_name_or_path, *args, **kwargs, ignore_mismatched_sizes=True)
        wants_info = kwargs.pop("output_loading_info", False)
        model, info = load(pretrained_model_name_or_path, *args, **kwargs, ignore_mismatched_sizes=True, output_loading_info=True)
        problems = [f"{key}: {_shape(saved)} in the checkpoint, {_shape(wanted)} in the configuration"
                    for key, saved, wanted in sorted(info["mismatched_keys"])]  # fmt: skip
        problems += [f"{key}: not in the checkpoint" for key in sorted(info["missing_keys"])]
        if problems:
            raise ValueError(_mismatch_message(pretrained_model_name_or_path, problems, model.skills))
        return (model, info) if wants_info else model


def _choose_intents(
    outputs: HeadstartJointNLUOutput, rows: torch.Tensor, entry: dict[str, Any], threshold: float | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Intents, their probabilities, and those of "none of these", (rows,) each, of rows of one skill."""
    logits = cast(torch.Tensor, outputs.intent_logits)[rows, : len(entry["intents"])]
    if "rejection" not in entry or outputs.reject_logits is None:
        scores, intents = logits.softmax(dim=1).max(dim=1)
        return intents, scores.float(), torch.zeros_like(scores, dtype=torch.float)
    rejection = entry["rejection"]
    logits = torch.cat([logits, outputs.reject_logits[rows].unsqueeze(1)], dim=1)
    probabilities = (logits.float() / rejection["temperature"]).softmax(dim=1)
    rejected = probabilities[:, -1]
    scores, intents = probabilities[:, :-1].max(dim=1)
    is_rejected = rejected > (rejection["threshold"] if threshold is None else threshold)
    return intents.masked_fill(is_rejected, REJECTED), torch.where(is_rejected, rejected, scores), rejected


def _shape(size: Any) -> tuple[int, ...]:
    return tuple(size)


def _mismatch_message(path: Any, problems: list[str], skills: list[str]) -> str:
    concerned = [
        name for name in skills if any(f"{part}.{name}." in line for part in ("classifiers", "gazetteers") for line in problems)
    ]
    of_skills = f" (skill {', '.join(map(repr, concerned))})" if concerned else ""
    shown = "\n".join(f"  {line}" for line in problems[:8])
    more = f"\n  and {len(problems) - 8} more" if len(problems) > 8 else ""
    return (
        f"the weights of {str(path)!r} don't match the configuration{of_skills}:\n{shown}{more}\n"
        "Load the checkpoint with its own configuration, then give it the new skill:\n"
        f"  model = HeadstartForJointNLU.from_pretrained({str(path)!r})\n"
        "  model.add_skill(skill)\n"
        "or, if the checkpoint is a trunk without heads, without any skill:\n"
        f"  model = HeadstartForJointNLU.from_pretrained({str(path)!r}, skills=[])\n"
        "  model.add_skill(skill, reset='task_layers')"
    )


__all__ = [
    "HeadstartDecoding",
    "HeadstartForJointNLU",
    "HeadstartJointNLUOutput",
    "HeadstartModel",
    "HeadstartModelOutput",
    "HeadstartPreTrainedModel",
]
