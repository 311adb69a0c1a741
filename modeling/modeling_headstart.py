"""Headstart: a common bi-LSTM (the trunk), with a bi-LSTM for slots and one for intents on top of it for every skill.

After Goyal, Metallinou and Matsoukas, "Fast and Scalable Expansion of Natural Language Understanding Functionality for
Intelligent Agents" (NAACL 2018, arXiv 1805.01542). Deviations: slot tags are decoded by a linear-chain CRF over words, the
intent is read from the maximum over tokens, and in pretraining each row competes only against its own source's labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init

from .configuration_headstart import HeadstartConfig
from .gazetteer_headstart import Gazetteer
from .layers_headstart import BiLSTM, LinearChainCRF, RowLengths, TaskLayers, run_lstm
from .losses_headstart import IGNORED, gather_words, intent_losses, mean_of, merge_rows, seen_slots, slot_losses, slot_priors
from .low_rank_headstart import LowRankChange
from .outputs_headstart import (
    HeadstartDecoding,
    HeadstartJointNLUOutput,
    HeadstartModelOutput,
    SkillScores,
    TaskStates,
)
from .routing_headstart import Router, log_odds
from .skills_headstart import SkillsMixin
from .weights_headstart import check_hashes, note_hashes

REJECTED = -1  # decoded where an utterance has none of the skill's intents


class HeadstartPreTrainedModel(PreTrainedModel):
    """Weight initialisation and loading, shared by the trunk and the whole network."""

    config_class = HeadstartConfig
    base_model_prefix = "trunk"
    main_input_name = "input_ids"
    accepts_loss_kwargs = False

    def save_pretrained(self, save_directory: Any, is_main_process: bool = True, *args: Any, **kwargs: Any) -> None:
        """Save weights and configuration, with the weights' SHA-256; see `transformers.PreTrainedModel.save_pretrained`."""
        super().save_pretrained(save_directory, is_main_process, *args, **kwargs)
        if is_main_process:
            note_hashes(Path(save_directory), kwargs.get("variant"))

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load a checkpoint; see `transformers.PreTrainedModel.from_pretrained`.

        Raises:
            ValueError: a folder's weights are not those that were saved there.
        """
        folder = Path(str(pretrained_model_name_or_path)) / (kwargs.get("subfolder") or "")
        if folder.is_dir():
            check_hashes(folder)
        load: Any = super().from_pretrained
        try:
            return load(pretrained_model_name_or_path, *args, **kwargs)
        except SafetensorError as error:
            raise ValueError(
                f"the weights of {str(pretrained_model_name_or_path)!r} are damaged: {error}. Copy or save them anew."
            ) from error

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
        elif isinstance(module, LowRankChange):
            # `up @ down` then moves as far in one step as a weight of its own would (Adam moves every number by the learning rate).
            init.normal_(module.down, std=module.down.shape[1] ** -0.5)
            init.zeros_(module.up)
            init.zeros_(module.bias)


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
    _keys_to_ignore_on_load_unexpected = [r"^task_layers\.", r"^classifiers\.", r"^gazetteers\.", r"^changes\.", r"^routers\."]  # noqa: RUF012

    def __init__(self, config: HeadstartConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.lstm = BiLSTM(config.embedding_size, config.hidden_size)
        self.hidden_dropout = nn.Dropout(config.hidden_dropout)
        self.post_init()

    def encode(self, input_ids: torch.Tensor, rows: RowLengths, change: LowRankChange | None = None) -> torch.Tensor:
        """Hidden states (batch, tokens, 2 * hidden) of the common bi-LSTM, as a head changes it; `input_ids` as for [`HeadstartModel.forward`]."""
        embeddings = self.embedding_dropout(self.embed_tokens(self._drop_words(input_ids)))
        states: torch.Tensor = self.hidden_dropout(run_lstm(self.lstm, embeddings, rows, change))
        return states

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
        return HeadstartModelOutput(last_hidden_state=self.encode(input_ids, row_lengths(input_ids, attention_mask)))


def row_lengths(input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> RowLengths:
    """Pieces in each row; an empty row counts as one piece of padding."""
    num_rows, num_tokens = input_ids.shape
    if attention_mask is None:
        return RowLengths(torch.full((num_rows,), num_tokens), num_tokens, input_ids.device)
    if (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
        raise ValueError("attention_mask has a 0 before a 1; pad on the right: tokenizer.padding_side = 'right'.")
    return RowLengths(attention_mask.sum(dim=1).clamp(min=1).cpu(), num_tokens, input_ids.device)


class HeadstartForJointNLU(SkillsMixin, HeadstartPreTrainedModel):
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
        self.changes = nn.ModuleDict()
        self.routers = nn.ModuleDict()
        self._fingerprints = {}
        self._seen_slots: dict[str, tuple[dict[str, Any], torch.Tensor]] = {}
        for entry in config.skills or []:
            self._put(entry, self._new_modules(entry))
        self.post_init()

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
            labels = (None if given is None else given[order][rows] for given in (intent_labels, slot_labels))
            parts[index] = self.classify(index, *states[index], matches.get(index), *labels)

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
            slot_states=merge_rows([(rows, states[index][0]) for index, rows in rows_of.items()], order),
            intent_states=merge_rows([(rows, states[index][1]) for index, rows in rows_of.items()], order),
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
        order, rows_of = self._sort_skills(skill_ids)
        sorted_ids, sorted_mask = input_ids[order], None if attention_mask is None else attention_mask[order]
        states: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        matches: dict[int, torch.Tensor] = {}
        for indices in self._group(rows_of):
            start, stop = rows_of[indices[0]].start, rows_of[indices[-1]].stop
            ids, mask = sorted_ids[start:stop], None if sorted_mask is None else sorted_mask[start:stop]
            own_rows = {index: slice(rows_of[index].start - start, rows_of[index].stop - start) for index in indices}
            entry = self.config.skills[indices[0]]
            changes: Any = self.changes_of(entry["name"])
            lengths = row_lengths(ids, mask)
            trunk_states = self.trunk.encode(ids, lengths, changes and changes.trunk)
            found = self._find_matches(ids, mask, own_rows) if use_gazetteers else {}
            inputs = self._add_gazetteers(trunk_states, own_rows, found)
            of_slots, of_intents = self.task_layers[entry["task_layers"]](
                *inputs, lengths, changes and changes.slot_lstm, changes and changes.intent_lstm
            )
            # The gradients of pieces that were split off are put side by side; those of slices would each be padded with zeros and added up.
            sizes = [rows.stop - rows.start for rows in own_rows.values()]
            states |= dict(zip(own_rows, zip(of_slots.split(sizes), of_intents.split(sizes), strict=True), strict=True))
            matches |= found
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
        self, trunk_states: torch.Tensor, rows_of: dict[int, slice], matches: dict[int, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The inputs of the ST and IC bi-LSTMs: the trunk's states, plus what catalog matches add to the rows of skills with catalogs."""
        if not matches:
            return trunk_states, trunk_states
        added = trunk_states.new_zeros(2, *trunk_states.shape)
        for index, found in matches.items():
            added[:, rows_of[index]] = torch.stack(cast(Gazetteer, self._gazetteer_of(index)).inputs(found))
        return trunk_states + added[0], trunk_states + added[1]

    def shared_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, task_layers: str) -> torch.Tensor:
        """Pooled IC states (batch, 2 * task_hidden_size) as they are before any head changes them, without catalogs."""
        layers = cast(TaskLayers, self.task_layers[task_layers])
        lengths = row_lengths(input_ids, attention_mask)
        return layers.pool_intents(self.trunk.encode(input_ids, lengths), lengths)

    @torch.no_grad()
    def route(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, skills: Sequence[str] | None = None
    ) -> torch.Tensor:
        """Log-odds (batch, skills) that an utterance is for each skill, against that it is for none, before any head is run.

        Args:
            input_ids, attention_mask: see `forward`.
            skills: the skills to choose from; all in `routed_skills` if they are left out.

        Raises:
            ValueError: one of them can't be found without its name, or there is none.
        """
        names = list(self.routed_skills if skills is None else skills)
        unknown = [name for name in names if name not in self.routers]
        if unknown or not names:
            raise ValueError(
                f"{', '.join(map(repr, unknown)) or 'no skill'} can't be found without being named; these can: {', '.join(self.routed_skills) or 'none'}."
            )
        scores = input_ids.new_zeros(len(input_ids), len(names), dtype=torch.float)
        layers_of = {entry["name"]: entry["task_layers"] for entry in self.config.skills}
        layers = [layers_of[name] for name in names]
        for layer in dict.fromkeys(layers):
            places = [place for place, name in enumerate(layers) if name == layer]
            states = self.shared_states(input_ids, attention_mask, layer)
            scores[:, places] = log_odds(states, [cast(Router, self.routers[names[place]]) for place in places])
        return scores

    def _sort_skills(self, skill_ids: torch.Tensor) -> tuple[torch.Tensor, dict[int, slice]]:
        """The order (batch,) in which the rows of each skill stand together, as do skills that share bi-LSTMs, and each skill's rows in it."""
        present, places, counts = skill_ids.unique(return_inverse=True, return_counts=True)
        if present[0] < 0 or present[-1] >= len(self.config.skills):
            raise ValueError(f"skill_ids must lie in [0, {len(self.skills)}), got {present.tolist()}. Skills: {self.skills}.")
        found = present.tolist()
        rank_of = {index: rank for rank, index in enumerate(found)}
        ranks = [rank_of[index] for group in self._group(found) for index in group]
        order = places.new_tensor(ranks).argsort()[places].argsort(stable=True)
        sizes = counts[ranks]
        ends = sizes.cumsum(0)
        rows_of = {
            found[rank]: slice(end - size, end) for rank, size, end in zip(ranks, sizes.tolist(), ends.tolist(), strict=True)
        }
        return order, rows_of

    def _group(self, indices: Iterable[int]) -> list[list[int]]:
        """Skills that share all bi-LSTMs, together: those with the same task layers, but for the ones that change any."""
        groups: dict[tuple[str, str | None], list[int]] = {}
        for index in indices:
            entry = self.config.skills[index]
            own = entry["name"] if entry["name"] in self.changes else None
            groups.setdefault((entry["task_layers"], own), []).append(index)
        return list(groups.values())

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
                    scores = scores + slot_priors(
                        outputs.intent_logits[rows, : len(entry["intents"])], self._seen_slots_of(entry)
                    )
                emissions, mask, _ = gather_words(scores, word_starts[rows])
                best = crf.decode(emissions, mask)
                certain = crf.marginals(emissions, mask).gather(2, best.unsqueeze(2)).squeeze(2)
                tags[rows, : best.shape[1]] = best.masked_fill(~mask, IGNORED)
                tag_scores[rows, : best.shape[1]] = (certain * mask).float()
        return HeadstartDecoding(intents, intent_scores, reject_scores, tags, tag_scores)

    def _seen_slots_of(self, entry: dict[str, Any]) -> torch.Tensor:
        """[`seen_slots`] of a skill, made once: for a broad one that takes as long as the rest of a request."""
        known = self._seen_slots.get(entry["name"])
        if known is None or known[0] is not entry:
            self._seen_slots[entry["name"]] = known = (entry, seen_slots(entry))
        return known[1]

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
