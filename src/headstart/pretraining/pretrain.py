"""The first stage: all sources together on one trunk and one pair of task layers, a label space for each source."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset, concatenate_datasets
from transformers import AutoTokenizer, PreTrainedTokenizerBase, set_seed

from headstart.consent import load_without_code
from headstart.data.batches import BatchStream
from headstart.data.corpora import Corpus, LabelKinds, first_texts, load_sources, stream_sources
from headstart.data.encoding import encode_list, encode_rows
from headstart.data.misspellings import misspell_some
from headstart.data.rows import FIELDS, Row, counted, list_rows, rows_to_dataset
from headstart.data.streaming import StreamedRows
from headstart.hub.base_card import make_base_card
from headstart.modeling import HeadstartConfig, HeadstartForJointNLU
from headstart.modeling.entries_headstart import SkillEntry, crf_of
from headstart.modeling.folders_headstart import CHECKPOINT, check_room
from headstart.pretraining.distillation import TEXT, DistillationCollator, DistillationTrainer
from headstart.pretraining.embeddings import choose_vocabulary, distill_embeddings, teacher_folder
from headstart.pretraining.recipe import resolve
from headstart.pretraining.teacher_cache import TeacherCache
from headstart.pretraining.teachers import Teacher
from headstart.saving import locked
from headstart.tokenization import NLUPipeline, build_tokenizer, order_tokens
from headstart.training.arguments import HeadstartTrainingArguments, training_arguments
from headstart.training.options import PretrainOptions
from headstart.training.resuming import content_hash, rows_hash, run_facts, weights_hash
from headstart.training.runs import last_checkpoint, push_run, save_run
from headstart.training.telling import scores_in_words, tell, telling

SHARED_TASK_LAYERS = "pretraining"


@dataclass(frozen=True)
class PretrainSummary:
    """What a pretraining came to, as `headstart pretrain --json` prints it.

    Args:
        output_dir: where it was saved.
        rows: training rows by source.
        metrics: the content of `metrics.json`.
    """

    output_dir: str
    rows: dict[str, int]
    metrics: dict[str, float]


def pretrain(
    data_dir: str | Path, output_dir: str | Path | None = None, sources: Sequence[str] = (), **options: Any
) -> NLUPipeline:
    """Pretrain a base and save it in `output_dir`, with `metrics.json` and `run.json` beside it.

    Rows of all sources are mixed; each competes only against its own source's labels. With `resume_from_checkpoint="last"`, an
    interrupted run continues from its last checkpoint.

    Args:
        data_dir: folder of corpora, one folder each (see [`headstart.data.corpora.load_sources`]).
        output_dir: folder of the new checkpoint; `DATA_DIR-base` if it is left out.
        sources: the corpora to train on; all, if none is named.
        options: those of [`headstart.training.options.PretrainOptions`]; what is left out is chosen by the number of rows (see
            [`headstart.pretraining.recipe`]). configs/base.yaml holds the ones of the embedded base.

    Returns:
        the base, with one skill for each source.

    Raises:
        DataError: a corpus is missing or malformed.
        ValueError: an option is not allowed.
    """
    out = None if output_dir is None else str(output_dir)
    said = PretrainOptions.of(output_dir=out, data_dir=str(data_dir), sources=list(sources), **options)
    return run_pretraining(said)


def run_pretraining(options: PretrainOptions, hear: Callable[[PretrainSummary], None] | None = None) -> NLUPipeline:
    """[`pretrain`], with all options in one object.

    Args:
        options: all of them.
        hear: is given the summary at the end, by the first process.
    """
    with locked(options.output_path), telling(options.quiet):
        check_room(options.output_path, CHECKPOINT)
        return _run(options, hear)


def _run(options: PretrainOptions, hear: Callable[[PretrainSummary], None] | None) -> NLUPipeline:
    resumed = last_checkpoint(options)
    sources = _open_sources(options)
    has_validation = any(len(source.validation) for source in sources)
    options = resolve(options, sum(source.train.num_rows for source in sources), has_validation)
    args = training_arguments(options)
    set_seed(args.seed)
    vocabulary = _make_vocabulary(sources, options)
    tokenizer = build_tokenizer(vocabulary)
    model = _make_model(sources, vocabulary, options)
    start = weights_hash(model, tokenizer)
    teachers = _find_teachers(options, args)
    encoder = RowEncoder(tokenizer, model.entries, with_texts=bool(teachers), misspell=options.misspell, seed=args.seed)
    train: BatchStream | Dataset | None
    if options.streaming:
        train = _make_stream(
            sources, DistillationCollator(model.config.pad_token_id, teachers, tokenizer), encoder, options, args
        )
    else:
        train = _encode(sources, encoder, part="train", limit=options.max_train_rows, seed=args.seed)
    said = (
        teachers
        if options.streaming or train is None
        else _hear(teachers, list(train[TEXT]) if teachers else [], tokenizer, options, args)
    )
    plain = RowEncoder(tokenizer, model.entries)
    validation = _encode(sources, plain, part="validation", limit=options.max_validation_rows, seed=args.seed)
    counts = {source.name: source.train.num_rows for source in sources}
    train_rows = {name: min(count, options.max_train_rows or count) for name, count in counts.items()}
    tell(
        "plan: %s of %s, %s, %s in the vocabulary, %s embeddings; batches of %s, %s",
        counted(sum(train_rows.values()), "training row"), counted(len(sources), "source"),
        counted(0 if validation is None else len(validation), "validation row"), counted(len(vocabulary), "token"), options.embeddings,
        counted(args.train_batch_size, "row"),
        counted(args.max_steps, "step") if args.max_steps > 0 else f"epochs: {args.num_train_epochs:g}",
    )  # fmt: skip
    trainer = DistillationTrainer(
        model, args, tokenizer, train, validation if args.eval_strategy != "no" else None,
        teachers=said, sentence_loss=options.sentence_loss or 0.0, word_loss=options.word_loss,
        facts=run_facts("pretrain", options, args, base=start, **_content_of(sources, vocabulary, teachers)),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resumed)
    trainer.drop_maps()
    trainer.eval_dataset = _encode(sources, plain, part="validation")
    nlu = NLUPipeline(model=model.eval(), tokenizer=cast(Any, tokenizer))
    metrics = {"steps": trainer.state.global_step, **(trainer.evaluate() if trainer.eval_dataset is not None else {})}
    card = make_base_card(
        options.output_path.resolve().name, nlu.model, train_rows=train_rows, metrics=metrics,
        options={**args.to_dict(), **options.described()}, licence=options.licence,
        teachers=[teacher.name for teacher in teachers] if options.teachers else ["all-MiniLM-L6-v2"] * len(teachers),
    )  # fmt: skip
    save_run(trainer, nlu, options, metrics, card=lambda _: card, train_rows=train_rows)
    push_run(options, args)
    if args.process_index == 0:
        summary = PretrainSummary(str(options.output_dir), train_rows, metrics)
        _tell_result(summary)
        if hear is not None:
            hear(summary)
    return nlu


def _tell_result(summary: PretrainSummary) -> None:
    names = list(summary.rows)
    scores = {name: scores_in_words(summary.metrics, f"eval_{name}_" if len(names) > 1 else "eval_") for name in names}
    lines = [f"  {name.ljust(max(map(len, names)))}  {words or 'no validation rows'}" for name, words in scores.items()]
    tell("validation rows:\n%s", "\n".join(lines))
    tell("saved: %s, a base with %s", summary.output_dir, counted(len(names), "label space"))
    tell("next: headstart finetune SKILL --base %s --output_dir OUT", shlex.quote(summary.output_dir))


def _content_of(sources: list[Corpus], vocabulary: list[str], teachers: Sequence[Teacher]) -> dict[str, Any]:
    """What pretraining depends on, for [`run_facts`]. Of a stream, which may be endless, the number of its rows is known; its first ones are in the
    vocabulary."""
    content: dict[str, Any] = {"sources": [source.name for source in sources], "vocabulary": content_hash(vocabulary)}
    content["teachers"] = [teacher.name for teacher in teachers]
    for source in sources:
        is_stream = isinstance(source.train, StreamedRows)
        content |= {
            f"intents of {source.name}": source.intents,
            f"slot labels of {source.name}": source.slots,
            f"training rows of {source.name}": f"{source.streamed.num_rows} rows" if is_stream else _rows_hash(source.loaded),
            f"validation rows of {source.name}": _rows_hash(source.validation),
        }
    return content


def _rows_hash(rows: Dataset) -> str:
    return rows_hash(
        dict(zip(FIELDS, row, strict=True)) for batch in rows.iter(10_000) for row in zip(*map(batch.get, FIELDS), strict=True)
    )


def _open_sources(options: PretrainOptions) -> list[Corpus]:
    kinds = LabelKinds(options.intents_with_domain, options.without_intents, options.without_slots)
    if options.streaming:
        return stream_sources(str(options.data_dir), options.sources, kinds, seed=options.seed)
    return load_sources(str(options.data_dir), options.sources, kinds, options.seed)


def _make_vocabulary(sources: list[Corpus], options: PretrainOptions) -> list[str]:
    teacher = load_without_code(AutoTokenizer.from_pretrained, teacher_folder()) if options.embeddings == "distilled" else None
    rows, weights = options.vocabulary_rows, options.source_weights or None
    texts = first_texts(sources, rows, weights) if options.streaming else _texts_of(sources)
    return choose_vocabulary(texts, cast(int, options.min_word_count), teacher)


def _make_model(sources: list[Corpus], vocabulary: list[str], options: PretrainOptions) -> HeadstartForJointNLU:
    _, continuation_start, continuation_stop = order_tokens(vocabulary)
    config = HeadstartConfig(
        vocab_size=len(vocabulary),
        continuation_start=continuation_start,
        continuation_stop=continuation_stop,
        embedding_size=options.embedding_size,
        hidden_size=options.hidden_size,
        task_hidden_size=options.task_hidden_size,
        intent_pooling=options.intent_pooling,
        residual_embeddings=options.residual_embeddings,
        word_dropout=options.word_dropout,
        hidden_dropout=options.hidden_dropout,
        skills=[
            {
                "name": source.name,
                "intents": source.intents,
                "slots": source.slots,
                "task_layers": SHARED_TASK_LAYERS,
                "crf": crf_of(source.slots),
            }
            for source in sources
        ],
    )
    model = HeadstartForJointNLU(config)
    if options.embeddings == "distilled":
        with torch.no_grad():
            model.trunk.embed_tokens.weight.copy_(distill_embeddings(vocabulary, options.embedding_size, teacher_folder()))
    model.trunk.embed_tokens.requires_grad_(bool(options.train_embeddings))
    return model


def _find_teachers(options: PretrainOptions, args: HeadstartTrainingArguments) -> list[Teacher]:
    if not (options.sentence_loss or options.word_loss):
        return []
    folders = [Path(folder) for folder in options.teachers] or [teacher_folder()]
    return [Teacher(folder, dtype=torch.bfloat16 if args.bf16 else torch.float32) for folder in folders]


def _hear(
    teachers: Sequence[Teacher],
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    options: PretrainOptions,
    args: HeadstartTrainingArguments,
) -> list[TeacherCache]:
    """What the teachers say of the training texts, from the cache or read now."""
    # Not in the checkpoint, which may be published.
    folder = Path(options.teacher_cache or f"{options.output_dir}-teachers")
    with args.main_process_first(local=False, desc="reading with teachers"):  # the others read what it wrote
        return [TeacherCache(texts, teacher, tokenizer, folder, args.device) for teacher in teachers]


def _texts_of(sources: list[Corpus]) -> Iterator[str]:
    return (text for source in sources for text in source.loaded["text"])


def _make_stream(
    sources: list[Corpus],
    collator: DistillationCollator,
    encoder: RowEncoder,
    options: PretrainOptions,
    args: HeadstartTrainingArguments,
) -> BatchStream:
    return BatchStream(
        sources,
        encoder,
        collator,
        batch_size=args.train_batch_size,
        pool_size=options.pool_size,
        weights=options.source_weights or None,
        seed=args.seed,
        process=(args.process_index, args.world_size),
        num_workers=args.dataloader_num_workers,
        length=args.max_steps * args.gradient_accumulation_steps,
    )


@dataclass
class RowEncoder:
    """Makes of some rows of a source what the network reads.

    Args:
        tokenizer: the network's.
        skills: entries of the configuration, one a source.
        with_texts: keep the texts, of which teachers speak, as they are where the network reads misspelt ones.
        misspell: probability that words of a row are misspelt, always in the same way.
        seed: of what is misspelt.
    """

    tokenizer: PreTrainedTokenizerBase
    skills: Sequence[SkillEntry]
    with_texts: bool = False
    misspell: float = 0.0
    seed: int = 0

    def __call__(self, skill_id: int, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """The features of the rows, see [`headstart.data.encoding.encode_rows`]."""
        features, _ = encode_list(self.misspelt(rows), self.tokenizer, self.skills[skill_id], skill_id)
        if not self.with_texts:
            return [dict(fields) for fields in features]
        return [{**fields, TEXT: row["text"]} for fields, row in zip(features, rows, strict=True)]

    def misspelt(self, rows: Sequence[Row]) -> list[Row]:
        """The rows, some of them with errors in their words; which ones doesn't depend on what else is read."""
        if not self.misspell:
            return list(rows)
        return [misspell_some([row], self.misspell, random.Random(f"{self.seed} {row['text']}")).get(0, row) for row in rows]


def _encode(
    sources: list[Corpus],
    encoder: RowEncoder,
    *,
    part: str,
    limit: int | None = None,
    seed: int = 0,
) -> Dataset | None:
    """A part of all sources as the network reads it; of each, some rows if there are more than the limit. None if there are no rows."""
    encoded = []
    for skill_id, source in enumerate(sources):
        rows: Dataset = getattr(source, part)
        if not len(rows):
            continue
        if limit is not None and len(rows) > limit:
            rows = rows.shuffle(seed=seed).select(range(limit))
        read = rows_to_dataset(encoder.misspelt(list_rows(rows))) if encoder.misspell else rows
        features = encode_rows(read, encoder.tokenizer, encoder.skills[skill_id], skill_id)
        encoded.append(features.add_column(TEXT, rows["text"]) if encoder.with_texts else features)
    return concatenate_datasets(encoded) if encoded else None


__all__ = ["RowEncoder", "pretrain", "run_pretraining"]
