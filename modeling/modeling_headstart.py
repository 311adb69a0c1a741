"""Headstart: a common bi-LSTM (the trunk), with a bi-LSTM for slots and one for intents on top of it for every skill.

After Goyal, Metallinou and Matsoukas, "Fast and Scalable Expansion of Natural Language Understanding Functionality for
Intelligent Agents" (NAACL 2018, arXiv 1805.01542). Deviations: slot tags are decoded by a linear-chain CRF over words, the
intent is read from the maximum over tokens, and in pretraining each row competes only against its own source's labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import torch
from torch import nn

from .configuration_headstart import HeadstartConfig
from .entries_headstart import SkillEntry
from .gazetteer_headstart import Gazetteer
from .labels_headstart import IGNORED, REJECTED, seen_slots
from .layers_headstart import BiLSTM, RowLengths, TaskLayers, run_lstm, slot_label_priors
from .lora_headstart import HeadAdapters, LoraLSTM
from .losses_headstart import intent_losses, mean_of, slot_losses
from .novelty_headstart import common_means
from .outputs_headstart import (
    HeadstartDecoding,
    HeadstartJointNLUOutput,
    HeadstartModelOutput,
    SkillScores,
    TaskStates,
)
from .pretrained_headstart import NO_NUMBERS, HeadstartPreTrainedModel, is_finite, rename_weights
from .routing_headstart import log_odds
from .skill_sets_headstart import SkillSet
from .skills_headstart import SkillsMixin


class HeadstartModel(HeadstartPreTrainedModel):
    """The trunk: token embeddings and the common bi-LSTM, which every skill shares.

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
    _keys_to_ignore_on_load_unexpected = [  # noqa: RUF012
        r"^task_layers\.",
        r"^classifiers\.",
        r"^gazetteers\.",
        r"^canonical\.",
        r"^adapters\.",
        r"^routers\.",
    ]

    def __init__(self, config: HeadstartConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.lstm = BiLSTM(config.embedding_size, config.hidden_size, config.residual_embeddings)
        self.hidden_dropout = nn.Dropout(config.hidden_dropout)
        self.post_init()

    def encode(self, input_ids: torch.Tensor, rows: RowLengths, adapter: LoraLSTM | None = None) -> torch.Tensor:
        """Hidden states (batch, tokens, 2 * hidden) of the common bi-LSTM, as a head's adapter changes it; `input_ids` as for [`HeadstartModel.forward`]."""
        embeddings = self.embedding_dropout(self.embed_tokens(self._drop_words(input_ids)))
        states: torch.Tensor = self.hidden_dropout(run_lstm(self.lstm, embeddings, rows, adapter))
        return states

    def _drop_words(self, tokens: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.config.word_dropout:
            return tokens
        dropped = torch.rand(tokens.shape, device=tokens.device) < self.config.word_dropout
        return tokens.masked_fill(dropped, self.config.unk_token_id)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> HeadstartModelOutput:
        """Encode a batch of tokens.

        Args:
            input_ids: (batch, tokens) long, ids of the tokens, padded on the right.
            attention_mask: (batch, tokens), 1 for tokens and 0 for padding; all ones if it is left out.

        Raises:
            ValueError: a row is padded on the left or has a hole.
        """
        return HeadstartModelOutput(last_hidden_state=self.encode(input_ids, row_lengths(input_ids, attention_mask)))


def row_lengths(input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> RowLengths:
    """Tokens in each row; an empty row counts as one token of padding."""
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
        self.canonical = nn.ModuleDict()
        self.adapters = nn.ModuleDict()
        self.routers = nn.ModuleDict()
        self.novelties = nn.ModuleDict()
        self.fingerprints = {}
        self._seen_slots: dict[str, tuple[SkillEntry, torch.Tensor]] = {}
        self.register_load_state_dict_pre_hook(rename_weights)
        for entry in self.entries:
            self.put_modules(entry, self.new_modules(entry))
        self.post_init()

    # ---- skills

    @property
    def entries(self) -> list[SkillEntry]:
        """The entries of the skills in the configuration, in the order of their ids."""
        return cast(list[SkillEntry], self.config.skills)

    @property
    def skills(self) -> list[str]:
        """Names of the skills, in the order of their ids."""
        return self.skill_set().names

    @property
    def routed_skills(self) -> list[str]:
        """Names of the skills that can be found without their names, in order."""
        return self.skill_set().routed

    def skill_set(self) -> SkillSet:
        """The skills as they are now. Where other threads may load or delete some meanwhile, take them once for a request, and give them to
        `forward`, `route` and `decode`."""
        return SkillSet.of(self)

    def skill_id(self, name: str | None = None) -> int:
        """The id of a skill, its place in `skills`. The name may be left out for one skill.

        Raises:
            ValueError: there is no such skill, or none was named and the model has several or none.
        """
        return self.skill_set().id(name)

    def skill(self, name: str | None = None) -> SkillEntry:
        """The entry of a skill in `config.skills`; see [`skill_id`]."""
        skills = self.skill_set()
        return skills.entries[skills.id(name)]

    def skill_ids(self, names: Sequence[str | None]) -> torch.Tensor:
        """Ids of the named skills (len(names),) long, one for each row of a batch, for `forward`; None: the only one."""
        return self.skill_set().ids(names, self.device)

    # ---- forward

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        intent_labels: torch.Tensor | None = None,
        slot_labels: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        use_gazetteers: bool = True,
        word_starts: torch.Tensor | None = None,
        skill_set: SkillSet | None = None,
    ) -> HeadstartJointNLUOutput:
        """Score intents and slot tags, and compute the loss of whatever is annotated.

        Args:
            input_ids: (batch, tokens) long, ids of the tokens, padded on the right.
            attention_mask: (batch, tokens), 1 for tokens and 0 for padding; all ones if it is left out.
            intent_labels: (batch,) long, index into the intents of the row's skill, their number for "none of these" (if the
                skill can reject); -100: not annotated, no loss.
            slot_labels: (batch, tokens) long, the tag of each word at its first token (0 = `O`, 1 + 2k = `B-`, 2 + 2k =
                `I-` of slot label k of the row's skill) and -100 everywhere else; a row of -100 gives no loss.
            skill_ids: (batch,) long, index into `model.skills`; may be left out if the model has one skill.
            use_gazetteers: False: answer as if no word were in a catalog.
            word_starts: (batch, tokens) bool, True at the first token of each word, where the caller knows; else [`word_starts`] finds them.
            skill_set: the skills that the ids are of, see [`skill_set`]; those of now, if it is left out.

        Raises:
            ValueError: the skill is not given and the model has several, an id is out of range, or a row is not padded
                on the right.
        """
        skills = skill_set or self.skill_set()
        found = self.task_states(
            input_ids, attention_mask, skill_ids, use_gazetteers=use_gazetteers, word_starts=word_starts, skill_set=skills
        )
        parts: list[tuple[slice, SkillScores]] = []
        for index, rows in found.rows_of.items():
            labels = [
                None if given is None else given[rows] if found.order is None else given[found.order][rows]
                for given in (intent_labels, slot_labels)
            ]
            scores = self.classify(
                index, *found.states[index], found.matches.get(index), found.novelty.get(index), labels=labels, skill_set=skills
            )
            parts.append((rows, scores))
        of_intents = [part.intent_losses for _, part in parts if part.intent_losses is not None]
        of_slots = [part.slot_losses for _, part in parts if part.slot_losses is not None]
        of_kinds = (("intent_loss", of_intents), ("slot_loss", of_slots))
        losses = {name: mean_of(of_rows) for name, of_rows in of_kinds if of_rows}
        reject_logits = _merge_rows([(rows, part.reject_logits) for rows, part in parts], found.order)
        states = [(rows, *found.states[index]) for index, rows in found.rows_of.items()]
        return HeadstartJointNLUOutput(
            loss=torch.stack(list(losses.values())).sum() if losses else None,
            intent_logits=_merge_rows([(rows, part.intent_logits) for rows, part in parts], found.order),
            slot_logits=_merge_rows([(rows, part.slot_logits) for rows, part in parts], found.order),
            reject_logits=None if reject_logits is None else reject_logits.squeeze(1),
            **losses,
            slot_states=_merge_rows([(rows, slot_states) for rows, slot_states, _ in states], found.order),
            intent_states=_merge_rows([(rows, intent_states) for rows, _, intent_states in states], found.order),
        )

    def task_states(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        *,
        use_gazetteers: bool = True,
        word_starts: torch.Tensor | None = None,
        skill_set: SkillSet | None = None,
    ) -> TaskStates:
        """What the classifiers read; see `forward` for the arguments."""
        skills = skill_set or self.skill_set()
        # Rows are put in the order of their skills once: cutting the states into skills is then free, forward and backward.
        order, rows_of = _sort_skills(skills, skill_ids, len(input_ids))
        if order is not None:
            input_ids = input_ids[order]
            attention_mask = None if attention_mask is None else attention_mask[order]
            word_starts = None if word_starts is None else word_starts[order]
        states: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        matches: dict[int, torch.Tensor] = {}
        novelty: dict[int, torch.Tensor] = {}
        for indices in _group(skills, rows_of):
            rows = slice(rows_of[indices[0]].start, rows_of[indices[-1]].stop)
            own_rows = {index: slice(rows_of[index].start - rows.start, rows_of[index].stop - rows.start) for index in indices}
            ids, mask = input_ids[rows], None if attention_mask is None else attention_mask[rows]
            adapters = skills.adapters(indices[0])
            lengths = row_lengths(ids, mask)
            trunk_states = self.trunk.encode(ids, lengths, None if adapters is None else adapters.trunk)
            found: dict[int, torch.Tensor] = {}
            if use_gazetteers and any(skills.gazetteer(index) for index in indices):
                starts = self.word_starts(ids, mask) if word_starts is None else word_starts[rows]
                found = _find_matches(skills, ids, starts, own_rows)
            of_slots, of_intents = skills.task_layers(indices[0])(
                *_add_gazetteers(skills, trunk_states, own_rows, found),
                lengths,
                None if adapters is None else adapters.slot_lstm,
                None if adapters is None else adapters.intent_lstm,
            )
            # The gradients of rows that were split off are put side by side; those of slices would each be padded with zeros and added up.
            sizes = [own.stop - own.start for own in own_rows.values()]
            states |= dict(zip(own_rows, zip(of_slots.split(sizes), of_intents.split(sizes), strict=True), strict=True))
            matches |= found
            if not self.training:
                novelty |= self._find_novelty(skills, ids, trunk_states, lengths, own_rows)
        return TaskStates(order, rows_of, states, matches, novelty)

    def _find_novelty(
        self, skills: SkillSet, input_ids: torch.Tensor, states: torch.Tensor, lengths: RowLengths, own_rows: Mapping[int, slice]
    ) -> dict[int, torch.Tensor]:
        """By id of a skill that measures it, what the novelty of its rows adds to the score of "none of these", (rows, 1); from their common states."""
        found = {index: novelty for index in own_rows if (novelty := skills.novelty(index)) is not None}
        if not found:
            return {}
        means = self._common_means(input_ids, states, lengths)
        return {index: novelty(means[own_rows[index]]) for index, novelty in found.items()}

    def classify(
        self,
        skill_id: int,
        slot_states: torch.Tensor,
        intent_states: torch.Tensor,
        matches: torch.Tensor | None = None,
        novelty: torch.Tensor | None = None,
        *,
        labels: Sequence[torch.Tensor | None] = (None, None),
        skill_set: SkillSet | None = None,
    ) -> SkillScores:
        """Scores of one skill's rows from their states, and the loss of each annotated row.

        Args:
            skill_id: index into `model.skills`.
            slot_states: (rows, tokens, 2 * task_hidden_size), states of the ST bi-LSTM.
            intent_states: (rows, 2 * task_hidden_size), pooled states of the IC bi-LSTM.
            matches: (rows, tokens, 2 * catalogs), those of its catalogs if it has any.
            novelty: (rows, 1), what is added to the score of "none of these".
            labels: `intent_labels` and `slot_labels` of the rows, see `forward`.
            skill_set: see `forward`.
        """
        skills = skill_set or self.skill_set()
        entry, (intent_labels, slot_labels) = skills.entries[skill_id], labels
        classifiers, gazetteer = skills.classifiers(skill_id), skills.gazetteer(skill_id)
        of_catalogs = None if matches is None or gazetteer is None else gazetteer.scores(matches)
        intents, tags = classifiers(slot_states, intent_states, of_catalogs, novelty)
        losses_of_intents = losses_of_slots = None
        if intents is not None and intent_labels is not None:
            losses_of_intents = intent_losses(intents, intent_labels)
        if tags is not None and slot_labels is not None and classifiers.crf is not None:
            losses_of_slots = slot_losses(classifiers.crf, tags, slot_labels)
        return SkillScores(
            None if intents is None else intents[:, : len(entry["intents"])],
            intents[:, -1:] if intents is not None and "rejection" in entry else None,
            tags,
            losses_of_intents,
            losses_of_slots,
        )

    def shared_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, task_layers: str) -> torch.Tensor:
        """Pooled IC states (batch, 2 * task_hidden_size) as they are before any head's adapter changes them, without catalogs."""
        return self._shared_states(input_ids, attention_mask, cast(TaskLayers, self.task_layers[task_layers]))

    def _shared_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, layers: TaskLayers) -> torch.Tensor:
        lengths = row_lengths(input_ids, attention_mask)
        return layers.pool_intents(self.trunk.encode(input_ids, lengths), lengths)

    def common_means(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, skill_id: int) -> torch.Tensor:
        """What the common bi-LSTM, as the skill's adapter changes it, makes of whole utterances, (batch, 2 * hidden_size); see [`Novelty`]."""
        adapters, lengths = self.skill_set().adapters(skill_id), row_lengths(input_ids, attention_mask)
        states = self.trunk.encode(input_ids, lengths, None if adapters is None else adapters.trunk)
        return self._common_means(input_ids, states, lengths)

    def _common_means(self, input_ids: torch.Tensor, states: torch.Tensor, lengths: RowLengths) -> torch.Tensor:
        read = self.trunk.embed_tokens(input_ids) if self.trunk.lstm.residual else None
        return common_means(states, read, lengths.is_padding)

    @torch.no_grad()
    def route(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        skills: Sequence[str] | None = None,
        skill_set: SkillSet | None = None,
    ) -> torch.Tensor:
        """Log-odds (batch, skills) that an utterance is for each skill, against that it is for none, before any head is run.

        Args:
            input_ids, attention_mask, skill_set: see `forward`.
            skills: the skills to choose from; all in `routed_skills` if they are left out.

        Raises:
            ValueError: one of them can't be found without its name, or there is none.
        """
        known = skill_set or self.skill_set()
        names = list(known.routed if skills is None else skills)
        routers = known.routers(names)
        scores = input_ids.new_zeros(len(input_ids), len(names), dtype=torch.float)
        places_of: dict[TaskLayers, list[int]] = {}
        index_of = {name: index for index, name in enumerate(known.names)}
        for place, name in enumerate(names):
            places_of.setdefault(known.task_layers(index_of[name]), []).append(place)
        for layers, places in places_of.items():
            states = self._shared_states(input_ids, attention_mask, layers)
            scores[:, places] = log_odds(states, [routers[place] for place in places])
        _check_numbers(scores)
        return scores

    def adapters_of(self, name: str) -> HeadAdapters | None:
        """The adapters by which a skill changes the bi-LSTMs that it shares; None if it has its own, or changes none."""
        skills = self.skill_set()
        return skills.adapters(skills.id(name))

    # ---- decoding

    def word_starts(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, tokens) bool: True at the first token of each word, False at `##` tokens and padding.

        These are the words that `alignment_headstart.find_words` finds in a text, for callers who have nothing but ids: the vocabulary is
        ordered so that the tokens which continue a word are a range of ids (`tokenization_headstart.order_tokens`).
        """
        continues = (input_ids >= self.config.continuation_start) & (input_ids < self.config.continuation_stop)
        starts = ~continues & (input_ids != self.config.pad_token_id)
        return cast(torch.Tensor, starts if attention_mask is None else starts & attention_mask.bool())

    @torch.no_grad()
    def decode(
        self,
        outputs: HeadstartJointNLUOutput,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
        reject_threshold: float | None = None,
        word_starts: torch.Tensor | None = None,
        skill_set: SkillSet | None = None,
    ) -> HeadstartDecoding:
        """Choose intents and tags from the scores that `forward` gave for the same batch.

        Args:
            outputs: what `forward` returned.
            input_ids, attention_mask, skill_ids, word_starts, skill_set: what it was given.
            reject_threshold: probability of "none of these", against the best intent alone, over which an utterance is rejected, from 0 to 1 (never);
                that of the skill's own configuration if it is left out.

        Raises:
            ValueError: the skill is not given and the model has several, or scores are no numbers.
        """
        skills = skill_set or self.skill_set()
        _check_numbers(outputs.intent_logits, outputs.reject_logits, outputs.slot_logits)
        if word_starts is None:
            word_starts = self.word_starts(input_ids, attention_mask)
        order, rows_of = _sort_skills(skills, skill_ids, len(input_ids))
        num_words = max(int(word_starts.sum(dim=1).max()), 1)
        intents = input_ids.new_full((len(input_ids),), IGNORED)
        intent_scores = torch.zeros(len(input_ids), device=input_ids.device)
        reject_scores = torch.zeros_like(intent_scores)
        widest = max(len(skills.entries[index]["intents"]) for index in rows_of)
        probabilities = torch.zeros(len(input_ids), widest, device=input_ids.device)
        tags = input_ids.new_full((len(input_ids), num_words), IGNORED)
        tag_scores = torch.zeros(len(input_ids), num_words, device=input_ids.device)
        for index, own in rows_of.items():
            entry, rows = skills.entries[index], own if order is None else order[own]
            of_intents = None
            if entry["intents"] and outputs.intent_logits is not None:
                of_intents = outputs.intent_logits[rows, : len(entry["intents"])]
                rejects = None if outputs.reject_logits is None else outputs.reject_logits[rows]
                chosen = _choose_intents(of_intents, rejects, entry, reject_threshold)
                intents[rows], intent_scores[rows], reject_scores[rows] = chosen[:3]
                probabilities[rows, : len(entry["intents"])] = chosen.probabilities
            if entry["slots"] and outputs.slot_logits is not None:
                priors = None
                if "label_priors" in entry and of_intents is not None:
                    priors = slot_label_priors(of_intents, self._seen_slots_of(entry))
                of_tags = outputs.slot_logits[rows, :, : 1 + 2 * len(entry["slots"])]
                temperature = entry.get("slot_temperature", 1.0)
                found = skills.classifiers(index).decode_tags(of_tags, word_starts[rows], priors, temperature=temperature)
                tags[rows, : found.tags.shape[1]] = found.tags.masked_fill(~found.mask, IGNORED)
                tag_scores[rows, : found.tags.shape[1]] = cast(torch.Tensor, found.scores).float()
        _check_numbers(intent_scores, tag_scores)
        return HeadstartDecoding(intents, intent_scores, reject_scores, probabilities, tags, tag_scores)

    def _seen_slots_of(self, entry: SkillEntry) -> torch.Tensor:
        """The table of [`seen_slots`] of a skill, made once: for a broad one that takes as long as the rest of a request."""
        known = self._seen_slots.get(entry["name"])
        if known is None or known[0] is not entry:
            table = torch.tensor(seen_slots(entry["intents"], entry["slots"], entry["label_priors"]))
            self._seen_slots[entry["name"]] = known = (entry, table)
        return known[1]


def _check_numbers(*scores: torch.Tensor | None) -> None:
    if not all(is_finite(values) for values in scores if values is not None):
        raise ValueError(
            f"the scores of this text hold {NO_NUMBERS}: the weights are damaged, or too large for their dtype. Load them anew, or in float32."
        )


class _ChosenIntents(NamedTuple):
    """Of rows of one skill: intents, their probabilities, those of "none of these", (rows,) each, and those of all intents, (rows, intents)."""

    intents: torch.Tensor
    scores: torch.Tensor
    rejected: torch.Tensor
    probabilities: torch.Tensor


def _choose_intents(
    intents: torch.Tensor, rejects: torch.Tensor | None, entry: SkillEntry, threshold: float | None
) -> _ChosenIntents:
    """Decide on the intents of rows of one skill.

    An utterance is rejected where "none of these", set against the most probable intent alone, is more probable than the threshold: other intents that
    are probable, too, are no reason to take it. It then has [`REJECTED`] and the probability of "none of these".

    Args:
        intents: (rows, intents) float.
        rejects: (rows,) float, the scores of "none of these".
        entry: the skill's.
        threshold: of "none of these"; the skill's own if it is None.
    """
    if "rejection" not in entry or rejects is None:
        probabilities = intents.float().softmax(dim=1)
        scores, best = probabilities.max(dim=1)
        return _ChosenIntents(best, scores, torch.zeros_like(scores), probabilities)
    rejection = entry["rejection"]
    logits = torch.cat([intents, rejects.unsqueeze(1)], dim=1)
    together = (logits.float() / rejection["temperature"]).softmax(dim=1)
    probabilities, rejected = together[:, :-1], together[:, -1]
    scores, best = probabilities.max(dim=1)
    is_rejected = rejected > (rejection["threshold"] if threshold is None else threshold) * (rejected + scores)
    return _ChosenIntents(
        best.masked_fill(is_rejected, REJECTED), torch.where(is_rejected, rejected, scores), rejected, probabilities
    )


def _sort_skills(skills: SkillSet, skill_ids: torch.Tensor | None, num_rows: int) -> tuple[torch.Tensor | None, dict[int, slice]]:
    """The order (batch,) in which the rows of each skill stand together, as do skills that share bi-LSTMs, and each skill's rows in it;
    no order where all rows are of one skill."""
    ids = [skills.id()] * num_rows if skill_ids is None else skill_ids.tolist()
    present = sorted(set(ids))
    if present[0] < 0 or present[-1] >= len(skills.entries):
        raise ValueError(f"skill_ids must lie in [0, {len(skills.entries)}), got {present}. Skills: {skills.names}.")
    if len(present) == 1:
        return None, {present[0]: slice(0, num_rows)}
    sorted_skills = [index for group in _group(skills, present) for index in group]
    places = {index: place for place, index in enumerate(sorted_skills)}
    order = sorted(range(num_rows), key=lambda row: places[ids[row]])
    rows_of, start = {}, 0
    for index in sorted_skills:
        rows_of[index] = slice(start, start + ids.count(index))
        start = rows_of[index].stop
    return torch.tensor(order, device=cast(torch.Tensor, skill_ids).device), rows_of


def _group(skills: SkillSet, indices: Iterable[int]) -> list[list[int]]:
    """Skills that share all bi-LSTMs, together: those with the same task layers, but for the ones with adapters."""
    groups: dict[tuple[str, str | None], list[int]] = {}
    for index in indices:
        entry = skills.entries[index]
        own = entry["name"] if entry.get("rank") else None
        groups.setdefault((entry["task_layers"], own), []).append(index)
    return list(groups.values())


def _find_matches(
    skills: SkillSet, input_ids: torch.Tensor, word_starts: torch.Tensor, rows_of: dict[int, slice]
) -> dict[int, torch.Tensor]:
    """What is seen of the catalog matches in the rows of each skill with catalogs, (rows, tokens, 2 * catalogs)."""
    found = {}
    for index, rows in rows_of.items():
        gazetteer = skills.gazetteer(index)
        if gazetteer is not None:
            found[index] = gazetteer.hide(gazetteer.find(input_ids[rows], word_starts[rows]))
    return found


def _add_gazetteers(
    skills: SkillSet, trunk_states: torch.Tensor, rows_of: dict[int, slice], matches: dict[int, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The inputs of the ST and IC bi-LSTMs: the trunk's states, plus what catalog matches add to the rows of skills with catalogs."""
    if not matches:
        return trunk_states, trunk_states
    added = trunk_states.new_zeros(2, *trunk_states.shape)
    for index, found in matches.items():
        added[:, rows_of[index]] = torch.stack(cast(Gazetteer, skills.gazetteer(index)).inputs(found))
    return trunk_states + added[0], trunk_states + added[1]


def _merge_rows(parts: Sequence[tuple[slice, torch.Tensor | None]], order: torch.Tensor | None) -> torch.Tensor | None:
    """Scores of several skills' rows in the batch's order, padded with the lowest number to the widest skill."""
    present = [(rows, scores) for rows, scores in parts if scores is not None]
    if not present or order is None:  # of one skill, the rows are as they were
        return present[0][1] if present else None
    first = present[0][1]
    width = max(scores.shape[-1] for _, scores in present)
    merged = first.new_full((len(order), *first.shape[1:-1], width), torch.finfo(first.dtype).min)
    for rows, scores in present:
        merged[rows, ..., : scores.shape[-1]] = scores
    return merged[order.argsort()]


__all__ = [
    "HeadstartDecoding",
    "HeadstartForJointNLU",
    "HeadstartJointNLUOutput",
    "HeadstartModel",
    "HeadstartModelOutput",
    "HeadstartPreTrainedModel",
]
