"""The first stage: all sources together on one trunk and one pair of task layers, a label space for each source."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset, concatenate_datasets
from transformers import AutoTokenizer, PreTrainedTokenizerBase, set_seed

from headstart.corpora import Source, load_sources
from headstart.distillation import (
    DistillationCollator,
    DistillationTrainer,
    SentenceEmbeddings,
    Teacher,
    number_sentences,
    teacher_columns,
)
from headstart.embeddings import choose_pieces, distill_embeddings, teacher_folder
from headstart.features import encode_list, encode_rows
from headstart.modeling import HeadstartConfig, HeadstartForJointNLU
from headstart.runs import last_checkpoint, push_run, save_run
from headstart.streaming import BatchStream, first_texts, stream_sources
from headstart.tokenization import NLUPipeline, build_tokenizer, order_pieces
from headstart.training_args import PretrainArguments

logger = logging.getLogger(__name__)

SHARED_TASK_LAYERS = "pretraining"


def pretrain(data_dir: str | Path, output_dir: str | Path, sources: list[str], **options: Any) -> NLUPipeline:
    """Pretrain a base and save it in `output_dir`, with `metrics.json` and `run.json` beside it.

    Rows of all sources are mixed; each competes only against its own source's labels. With `resume_from_checkpoint="last"`, an
    interrupted run continues from its last checkpoint.

    Args:
        data_dir: folder of corpora, one folder each (see [`headstart.corpora.load_sources`]).
        output_dir: folder of the new checkpoint.
        sources: the corpora to train on.
        options: those of [`PretrainArguments`]; configs/base.yaml holds the ones of the embedded base.

    Returns:
        the base, with one skill for each source.

    Raises:
        DataError: a corpus is missing or malformed.
        ValueError: an option is not allowed.
    """
    return run_pretraining(PretrainArguments(output_dir=str(output_dir), data_dir=str(data_dir), sources=sources, **options))


def run_pretraining(args: PretrainArguments) -> NLUPipeline:
    """[`pretrain`], with all options in one object."""
    resumed = last_checkpoint(args)
    set_seed(args.seed)
    sources = _open_sources(args)
    pieces = _make_vocabulary(sources, args)
    tokenizer = build_tokenizer(pieces)
    model = _make_model(sources, pieces, args)
    reads_batches = args.word_loss or (args.sentence_loss and args.streaming)
    sentences = _embed_sentences(sources, args) if args.sentence_loss and not reads_batches else None
    teacher = Teacher(teacher_folder(), dtype=torch.bfloat16 if args.bf16 else torch.float32) if reads_batches else None
    train = (
        _make_stream(sources, model, tokenizer, args, teacher)
        if args.streaming
        else _encode(sources, "train", model, tokenizer, args, sentences=sentences, teacher=teacher)
    )
    validation = _encode(sources, "validation", model, tokenizer, args)
    counts = {source.name: source.train.num_rows for source in sources}
    train_rows = {name: min(count, args.max_train_rows or count) for name, count in counts.items()}
    logger.info("%d training rows, %d validation rows, %d pieces", sum(train_rows.values()), len(validation), len(pieces))
    parts = (model, args, tokenizer, train, validation if args.eval_strategy != "no" else None)
    trainer = DistillationTrainer(
        *parts, sentences=sentences, teacher=teacher, sentence_loss=args.sentence_loss, word_loss=args.word_loss
    )
    trainer.train(resume_from_checkpoint=resumed)
    trainer.drop_maps()
    trainer.eval_dataset = _encode(sources, "validation", model, tokenizer, args, whole=True)
    nlu = NLUPipeline(model=model.eval(), tokenizer=cast(Any, tokenizer))
    metrics = {"steps": trainer.state.global_step, **trainer.evaluate()}
    save_run(trainer, nlu, metrics, train_rows=train_rows)
    push_run(args)
    return nlu


def _open_sources(args: PretrainArguments) -> list[Source]:
    kinds = (args.intents_with_domain, args.without_intents, args.without_slots)
    if args.streaming:
        return stream_sources(str(args.data_dir), args.sources, *kinds, seed=args.seed)
    return load_sources(str(args.data_dir), args.sources, *kinds)


def _make_vocabulary(sources: list[Source], args: PretrainArguments) -> list[str]:
    teacher = AutoTokenizer.from_pretrained(teacher_folder()) if args.embeddings == "distilled" else None
    streamed = args.streaming
    texts = first_texts(sources, args.vocabulary_rows, args.source_weights or None) if streamed else _texts_of(sources)
    return choose_pieces(texts, args.min_word_count, teacher)


def _make_model(sources: list[Source], pieces: list[str], args: PretrainArguments) -> HeadstartForJointNLU:
    _, continuation_start, continuation_stop = order_pieces(pieces)
    config = HeadstartConfig(
        vocab_size=len(pieces),
        continuation_start=continuation_start,
        continuation_stop=continuation_stop,
        embedding_size=args.embedding_size,
        hidden_size=args.hidden_size,
        task_hidden_size=args.task_hidden_size,
        word_dropout=args.word_dropout,
        hidden_dropout=args.hidden_dropout,
        skills=[
            {"name": source.name, "intents": source.intents, "slots": source.slots, "task_layers": SHARED_TASK_LAYERS}
            for source in sources
        ],
    )
    model = HeadstartForJointNLU(config)
    if args.embeddings == "distilled":
        with torch.no_grad():
            model.trunk.embed_tokens.weight.copy_(distill_embeddings(pieces, args.embedding_size, teacher_folder()))
    model.trunk.embed_tokens.requires_grad_(args.train_embeddings)
    return model


def _embed_sentences(sources: list[Source], args: PretrainArguments) -> SentenceEmbeddings:
    # Not in the checkpoint, which may be published.
    folder = Path(args.sentence_cache or f"{args.output_dir}-sentences")
    with args.main_process_first(local=False, desc="embedding sentences"):  # the others read what it wrote
        return SentenceEmbeddings(list(_texts_of(sources)), folder, args.device)


def _texts_of(sources: list[Source]) -> Iterator[str]:
    return (text for source in sources for text in cast(Dataset, source.train)["text"])


def _make_stream(
    sources: list[Source],
    model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
    args: PretrainArguments,
    teacher: Teacher | None,
) -> BatchStream:
    return BatchStream(
        sources,
        RowEncoder(tokenizer, model.config.skills, None if teacher is None else teacher.tokenizer),
        DistillationCollator(model.config.pad_token_id),
        args.train_batch_size,
        args.pool_size,
        args.source_weights or None,
        args.seed,
        (args.process_index, args.world_size),
        args.dataloader_num_workers,
        args.max_steps * args.gradient_accumulation_steps,
    )


@dataclass
class RowEncoder:
    """Makes of some rows of a source what the network reads, and its teacher.

    Args:
        tokenizer: the network's.
        skills: entries of the configuration, one a source.
        teacher_tokenizer: the teacher's, if it reads the rows too.
    """

    tokenizer: PreTrainedTokenizerBase
    skills: list[dict[str, Any]]
    teacher_tokenizer: PreTrainedTokenizerBase | None = None

    def __call__(self, skill_id: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The features of the rows, see [`headstart.features.encode_rows`] and [`headstart.distillation.teacher_columns`]."""
        features, _ = encode_list(rows, self.tokenizer, self.skills[skill_id], skill_id)
        if self.teacher_tokenizer is None or not rows:
            return features
        columns = teacher_columns([row["text"] for row in rows], self.tokenizer, self.teacher_tokenizer)
        return [
            {**fields, **dict(zip(columns, values, strict=True))}
            for fields, *values in zip(features, *columns.values(), strict=True)
        ]


def _encode(
    sources: list[Source],
    part: str,
    model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
    args: PretrainArguments,
    whole: bool = False,
    sentences: SentenceEmbeddings | None = None,
    teacher: Teacher | None = None,
) -> Dataset:
    limit = args.max_train_rows if part == "train" else args.max_validation_rows
    encoded = []
    for skill_id, source in enumerate(sources):
        rows: Dataset = getattr(source, part)
        if limit is not None and len(rows) > limit and not whole:
            rows = rows.shuffle(seed=args.seed).select(range(limit))
        features = encode_rows(rows, tokenizer, model.config.skills[skill_id], skill_id)
        if sentences is not None:
            features = number_sentences(features, rows, sentences)
        if teacher is not None:
            for name, column in teacher_columns(rows["text"], tokenizer, teacher.tokenizer).items():
                features = features.add_column(name, column)
        encoded.append(features)
    return concatenate_datasets(encoded)


__all__ = ["pretrain", "run_pretraining"]
