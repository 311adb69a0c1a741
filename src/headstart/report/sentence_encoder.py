"""A sentence encoder of 22 million parameters, all-MiniLM-L6-v2, fine-tuned with joint heads.

It gets what the bi-LSTM gets: refilled rows, names of intents, catalog matches as features, and the same decoder, a linear-chain CRF over words.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, Trainer, TrainerCallback, TrainingArguments, set_seed

from headstart.consent import load_without_code
from headstart.data.rows import Row
from headstart.data.skills import Skill, label_priors
from headstart.evaluation.evaluate import Answered, score_answers
from headstart.finetuning.recipe import BATCH_SIZE, MIN_EPOCHS
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.entries_headstart import SkillEntry, crf_of
from headstart.modeling.gazetteer_headstart import Gazetteer, catalog_tensors, gazetteer_size
from headstart.modeling.labels_headstart import seen_slots
from headstart.modeling.layers_headstart import SkillClassifiers, slot_label_priors
from headstart.modeling.losses_headstart import intent_losses, slot_losses
from headstart.pretraining.embeddings import teacher_folder
from headstart.report.curve import EVALUATION
from headstart.tokenization import Words, find_words, tags_to_spans
from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import IntentAnswer
from headstart.training.collator import JointNLUCollator
from headstart.training.epochs import EpochRows, NewEpoch


class SentenceEncoderForJointNLU(nn.Module):
    """The encoder with an intent classifier on the mean of its states, and a tag classifier with a CRF on words' first tokens.

    Args:
        skill: whose labels and catalogs it gets.
        tokenizer: the encoder's.
        pooling: what the intent classifier reads: the `mean` of all states, or the `first`, that of `[CLS]`.
        can_reject: the intents compete with "none of these", whose scores come last.

    Raises:
        ValueError: `pooling` is another.
    """

    def __init__(
        self, skill: Skill, tokenizer: PreTrainedTokenizerBase, pooling: str = "mean", *, can_reject: bool = False
    ) -> None:
        super().__init__()
        if pooling not in ("mean", "first"):
            raise ValueError(f"pooling is {pooling!r}; it must be 'mean' or 'first'.")
        self.encoder = load_without_code(AutoModel.from_pretrained, teacher_folder(), dtype=torch.float32)
        width = self.encoder.config.hidden_size
        self.pooling = pooling
        self.dropout = nn.Dropout(0.1)
        self.classifiers = SkillClassifiers(
            width, len(skill.intents), len(skill.slots), has_rejection=can_reject, is_factored=crf_of(skill.slots) is not None
        )
        catalogs = {label: values for label, values in tokenize_catalogs(skill.catalogs, tokenizer).items() if values}
        self.gazetteer: Gazetteer | None = None
        if catalogs:
            tensors = catalog_tensors(catalogs)
            self.gazetteer = Gazetteer(
                gazetteer_size(catalogs, tensors),
                vocab_size=len(tokenizer),
                input_size=width,
                num_tags=1 + 2 * len(skill.slots),
                num_intents=len(skill.intents) + can_reject,
                dropout=0.3,
            )
            self.gazetteer.fill(tensors)
            for parameter in self.gazetteer.parameters():
                nn.init.normal_(parameter, std=0.02)
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        special = set(tokenizer.all_special_ids)
        starts = [not token.startswith("##") and number not in special for number, token in enumerate(tokens)]
        self.register_buffer("starts_word", torch.tensor(starts), persistent=False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        intent_labels: torch.Tensor | None = None,
        slot_labels: torch.Tensor | None = None,
        skill_ids: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """`intent_logits` (batch, intents), `intent_states` (batch, width) and `slot_logits` (batch, tokens, tags), if there are such labels, and the `loss`.

        If it can reject, the last of the intents is "none of these".
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        slot_states = intent_states = states
        of_catalogs = None
        if self.gazetteer is not None:
            matches = self.gazetteer.hide(self.gazetteer.find(input_ids, self.word_starts(input_ids)))
            slot_states, intent_states = (states + added for added in self.gazetteer.inputs(matches))
            of_catalogs = self.gazetteer.scores(matches)
        weights = attention_mask.unsqueeze(2).to(states.dtype)
        pooled = intent_states[:, 0] if self.pooling == "first" else (intent_states * weights).sum(dim=1) / weights.sum(dim=1)
        pooled = self.dropout(pooled) if self.classifiers.intent_classifier is not None else pooled
        slot_states = self.dropout(slot_states) if self.classifiers.crf is not None else slot_states
        intents, tags = self.classifiers(slot_states, pooled, of_catalogs)
        outputs: dict[str, torch.Tensor] = {}
        losses = []
        if intents is not None:
            outputs |= {"intent_logits": intents, "intent_states": pooled}
            if intent_labels is not None:
                losses.append(intent_losses(intents, intent_labels))
        if tags is not None and self.classifiers.crf is not None:
            outputs["slot_logits"] = tags
            if slot_labels is not None:
                losses.append(slot_losses(self.classifiers.crf, tags, slot_labels))
        if losses:
            outputs["loss"] = torch.stack([part.sum() / max(len(part), 1) for part in losses]).sum()
        return outputs

    def word_starts(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(batch, tokens) bool: True at the first token of each word."""
        return cast(torch.Tensor, self.starts_word)[input_ids]


class _ScoringTrainer(Trainer):
    """Evaluates by answering the rows of its evaluation set.

    Args:
        answer: what answers texts with the model as it is.
    """

    def __init__(self, *args: Any, answer: Callable[[Sequence[str]], Sequence[Answered]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer = answer

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The semantic error rate."""
        rows = cast(list[Row], self.eval_dataset)
        cast(nn.Module, self.model).eval()
        answers = self.answer([row["text"] for row in rows])
        # Something of the rows is annotated: there is a rate.
        metrics = {"eval_semantic_error_rate": cast(float, score_answers(answers, rows)["semantic_error_rate"])}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class SentenceEncoderNLU:
    """Trains a [`SentenceEncoderForJointNLU`], and answers as a [`NLUPipeline`] does.

    Args:
        skill: what to train on.
        seed: of the classifiers' weights, the order of rows and the refilled values.
        steps: optimizer steps; unset: `pace` times the square root of the number of rows, at least 150 and at least the
            epochs that the network has, too.
        pace: see `steps`.
        pooling: see [`SentenceEncoderForJointNLU`].
        use_cpu: train and answer on the processor, as all systems of a report; otherwise on a GPU, if there is one.
        learning_rate: peak learning rate of the encoder.
        head_learning_rate: that of the classifiers.
        refill: probability that a slot gets another value at every epoch.
        curve: says after which steps `scored` is scored.
        scored: validation rows of which something is annotated.
        out_of_scope: utterances that are none of the skill's intents; with some, it can reject.
        out_of_scope_share: see [`EpochRows`].
    """

    def __init__(
        self,
        skill: Skill,
        *,
        seed: int = 0,
        steps: int | None = None,
        learning_rate: float = 5e-5,
        head_learning_rate: float = 1e-3,
        refill: float = 0.5,
        curve: TrainerCallback | None = None,
        scored: Sequence[Row] = (),
        pace: float = 20,
        pooling: str = "mean",
        use_cpu: bool = True,
        out_of_scope: Sequence[str] = (),
        out_of_scope_share: float = 0.15,
    ) -> None:
        set_seed(seed)
        self.tokenizer = load_without_code(AutoTokenizer.from_pretrained, teacher_folder())
        self.skill = skill
        self.model = SentenceEncoderForJointNLU(skill, self.tokenizer, pooling, can_reject=bool(out_of_scope))
        self.entry: SkillEntry = {
            "name": skill.name, "intents": skill.intents, "slots": skill.slots, "task_layers": skill.name,
            "label_priors": label_priors(skill.rows("train")),
        }  # fmt: skip
        if (crf := crf_of(skill.slots)) is not None:
            self.entry["crf"] = crf
        train = EpochRows(
            skill, self.tokenizer, self.entry, refill=refill, seed=seed, name_rows=True, out_of_scope=out_of_scope,
            out_of_scope_share=out_of_scope_share,
        )  # fmt: skip
        rows = len(skill.rows("train"))
        self.steps = steps or round(max(pace * math.sqrt(rows), 150, MIN_EPOCHS * rows / BATCH_SIZE))
        with tempfile.TemporaryDirectory() as folder:
            args = TrainingArguments(
                output_dir=folder, max_steps=self.steps, per_device_train_batch_size=BATCH_SIZE, seed=seed, warmup_steps=0.1,
                remove_unused_columns=False, report_to="none", logging_strategy="no", save_strategy="no", disable_tqdm=True,
                use_cpu=use_cpu, dataloader_pin_memory=False, **(EVALUATION if scored else {}),
            )  # fmt: skip
            _ScoringTrainer(
                self.model,
                args,
                JointNLUCollator(cast(int, self.tokenizer.pad_token_id)),
                train_dataset=train,
                eval_dataset=list(scored) or None,
                callbacks=[NewEpoch(train), *([curve] if curve is not None else [])],
                optimizers=(self._optimizer(learning_rate, head_learning_rate), None),
                answer=self,
            ).train()
        self.model.eval()

    def _optimizer(self, learning_rate: float, head_learning_rate: float) -> torch.optim.Optimizer:
        of_encoder = {id(parameter) for parameter in self.model.encoder.parameters()}
        heads = [parameter for parameter in self.model.parameters() if id(parameter) not in of_encoder]
        return torch.optim.AdamW(
            [{"params": list(self.model.encoder.parameters()), "lr": learning_rate}, {"params": heads, "lr": head_learning_rate}],
            weight_decay=0.01,
        )

    @torch.no_grad()
    def __call__(self, texts: Sequence[str], batch_size: int = 64) -> list[Answered]:
        """The answers to some texts."""
        answers: list[Answered] = []
        for start in range(0, len(texts), batch_size):
            answers += self._answer(list(texts[start : start + batch_size]))
        return answers

    @torch.no_grad()
    def intent_scores(self, texts: Sequence[str], batch_size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores of the intents, (texts, intents), and of "none of these" as one more if it can reject; and the pooled states, (texts, width), that they
        are read from. The skill has intents."""
        scores, states = [], []
        device = next(self.model.parameters()).device
        for start in range(0, len(texts), batch_size):
            part = list(texts[start : start + batch_size])
            batch = self.tokenizer(part, padding=True, truncation=True, return_tensors="pt").to(device)
            outputs = self.model(batch["input_ids"], batch["attention_mask"])
            scores.append(outputs["intent_logits"].cpu())
            states.append(outputs["intent_states"].cpu())
        return torch.cat(scores), torch.cat(states)

    @cached_property
    def seen(self) -> torch.Tensor:
        """Which slots an intent was seen with; see [`headstart.modeling.labels_headstart.seen_slots`]."""
        return torch.tensor(seen_slots(self.skill.intents, self.skill.slots, self.entry["label_priors"]))

    def size(self) -> int:
        """Bytes of its parameters."""
        return sum(parameter.numel() * parameter.element_size() for parameter in self.model.parameters())

    def _answer(self, texts: list[str]) -> list[Answered]:
        encoding = self.tokenizer(texts, padding=True, truncation=True, return_offsets_mapping=True, return_tensors="pt")
        device = next(self.model.parameters()).device
        outputs = self.model(encoding["input_ids"].to(device), encoding["attention_mask"].to(device))
        words = [
            find_words(text, encoding["offset_mapping"][row].tolist(), encoding.word_ids(row)) for row, text in enumerate(texts)
        ]
        is_word = torch.zeros_like(encoding["input_ids"], dtype=torch.bool)
        for row, found in enumerate(words):
            is_word[row, found.first_tokens] = True
        intents: list[IntentAnswer | None] = [None] * len(texts)
        if "intent_logits" in outputs:
            intents = self._intents(outputs["intent_logits"])
        slots: list[list[Span]] = [[] for _ in texts]
        if "slot_logits" in outputs:
            slots = self._slots(outputs, is_word.to(device), words)
        return [
            {"text": text, "intent": intent, "slots": spans} for text, intent, spans in zip(texts, intents, slots, strict=True)
        ]

    def _intents(self, logits: torch.Tensor) -> list[IntentAnswer | None]:
        scores, best = logits.softmax(dim=1).max(dim=1)
        return [
            {"label": self.skill.intents[number], "score": score} if number < len(self.skill.intents) else None
            for number, score in zip(best.tolist(), scores.tolist(), strict=True)
        ]

    def _slots(self, outputs: Mapping[str, torch.Tensor], is_word: torch.Tensor, words: Sequence[Words]) -> list[list[Span]]:
        priors = (
            slot_label_priors(outputs["intent_logits"][:, : len(self.skill.intents)], self.seen)
            if "intent_logits" in outputs
            else None
        )
        decoded = self.model.classifiers.decode_tags(outputs["slot_logits"], is_word, priors, with_scores=False)
        tags = decoded.tags.tolist()
        return [tags_to_spans(row[: len(found)], found, self.skill.slots) for row, found in zip(tags, words, strict=True)]


__all__ = ["SentenceEncoderForJointNLU", "SentenceEncoderNLU"]
