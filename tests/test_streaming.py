"""Corpora that are read while they are trained on: every row once, mixed by weights, resumed where they were."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from headstart import DataError, pretrain
from headstart.cli import main
from headstart.data.batches import BatchStream
from headstart.data.corpora import Corpus, LabelKinds, first_texts, load_sources, stream_sources
from headstart.data.rows import rows_to_dataset
from headstart.data.streaming import write_labels

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from hub_server import File, HubServer, Repo

NAMES = ("coffee_machine", "plant_care")


def write_corpus(folder: Path, lines: list[str], shards: int, suffix: str = "jsonl") -> None:
    """The lines in turn as some shards, and empty other parts."""
    folder.mkdir(parents=True)
    for shard in range(shards):
        path = folder / f"train-{shard:05}-of-{shards:05}.{suffix}"
        content = "".join(line + "\n" for line in lines[shard::shards]).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    for part in ("validation", "test"):
        (folder / f"{part}.jsonl").write_text("")


def numbered(name: str, count: int) -> list[str]:
    return [json.dumps({"text": f"{name} {number}", "intent": f"{name}_{number % 3}", "slots": []}) for number in range(count)]


@pytest.fixture
def corpora(root: Path, tmp_path: Path) -> Path:
    for name in NAMES:
        lines = (root / "examples" / name / "train.jsonl").read_text().splitlines()
        lines = [json.dumps({**json.loads(line), "domain": f"d{number % 2}"}) for number, line in enumerate(lines)]
        write_corpus(tmp_path / "data" / name, lines, 3, "jsonl.gz" if name == "plant_care" else "jsonl")
        test = (root / "examples" / name / "test.jsonl").read_text().splitlines()
        rows = [json.dumps({**json.loads(line), "domain": "d0"}) for line in test]
        # An evaluation text of the other corpus, too, must not be trained on.
        other = json.loads((root / "examples" / NAMES[NAMES.index(name) - 1] / "train.jsonl").read_text().splitlines()[0])
        held_out = json.dumps({"text": other["text"].upper(), "intent": None, "slots": None, "domain": "d0"})
        (tmp_path / "data" / name / "validation.jsonl").write_text("\n".join([*rows, held_out]))
        (tmp_path / "data" / name / "test.jsonl").write_text("\n".join(rows))
    write_labels(str(tmp_path / "data"))
    return tmp_path / "data"


def whole(corpora: Path, tmp_path: Path) -> Path:
    """The same corpora in one file each."""
    for name in NAMES:
        folder = tmp_path / "whole" / name
        folder.mkdir(parents=True)
        shards = sorted((corpora / name).glob("train*"))
        contents = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in shards]
        (folder / "train.jsonl").write_bytes(b"".join(contents))
        for part in ("validation", "test"):
            (folder / f"{part}.jsonl").write_bytes((corpora / name / f"{part}.jsonl").read_bytes())
    return tmp_path / "whole"


def echo(source: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"source": source, "row": row, "length": len(row["text"].split())} for row in rows]


def as_batch(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": features}


def make_stream(sources: list[Corpus], batch_size: int = 4, pool_size: int = 24, **options: Any) -> BatchStream:
    return BatchStream(sources, echo, as_batch, batch_size=batch_size, pool_size=pool_size, **options)


def texts_of(batches: list[dict[str, Any]]) -> list[list[str]]:
    return [[fields["row"]["text"] for fields in batch["rows"]] for batch in batches]


def test_a_stream_reads_what_is_loaded_otherwise(corpora: Path, tmp_path: Path) -> None:
    kinds = LabelKinds(["plant_care"], [], ["coffee_machine"])
    loaded = load_sources(whole(corpora, tmp_path), [*NAMES], kinds)
    streamed = stream_sources(str(corpora), [*NAMES], kinds)
    for one, other in zip(loaded, streamed, strict=True):
        assert (one.name, one.intents, one.slots) == (other.name, other.intents, other.slots)
        assert one.validation.to_list() == other.validation.to_list()
        rows = [row for line in other.train.lines if (row := other.train.parse(line["text"])) is not None]
        read = rows_to_dataset(rows).to_list()
        assert sorted(map(json.dumps, read)) == sorted(map(json.dumps, one.train.to_list()))
        assert other.train.num_rows == len(read) and other.train.num_held_out == 1  # by the other corpus
        assert Counter(first_texts([other], 10**6)) == Counter(one.train["text"])


@given(shards=st.integers(1, 5), rows=st.integers(1, 40), processes=st.integers(1, 3), workers=st.sampled_from([0, 2]))
@settings(deadline=None, max_examples=12)
def test_processes_and_workers_read_every_row_once(
    shards: int, rows: int, processes: int, workers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("corpora")
    count = rows * shards * processes * max(workers, 1)  # as many for each, so that all end at once
    write_corpus(folder / "a", numbered("a", count), shards)
    write_labels(str(folder))
    found: Counter[str] = Counter()
    for process in range(processes):
        stream = make_stream(
            stream_sources(str(folder), ["a"]), 1, rows * shards, process=(process, processes), num_workers=workers
        )
        batches = islice(stream.loader(), rows * shards * max(workers, 1))
        found.update(text for texts in texts_of(list(batches)) for text in texts)
    assert found == {f"a {number}": 1 for number in range(count)}


def test_sources_are_mixed_by_their_weights(tmp_path: Path) -> None:
    for name, count in (("small", 20), ("large", 60)):
        write_corpus(tmp_path / name, numbered(name, count), 1)
    write_labels(str(tmp_path))
    sources = stream_sources(str(tmp_path), ["small", "large"])
    for weights, expected in ((None, 0.25), ([3.0, 1.0], 0.75), ([0.0, 2.0], 0.0)):
        batches = list(islice(make_stream(sources, 10, 1000, weights=weights), 100))
        drawn = Counter(fields["source"] for batch in batches for fields in batch["rows"])
        assert drawn[0] / 1000 == pytest.approx(expected, abs=0.05)


def test_rows_of_a_batch_are_of_similar_length(corpora: Path) -> None:
    stream = make_stream(stream_sources(str(corpora), [*NAMES]), 8, 160)
    lengths = [[fields["length"] for fields in batch["rows"]] for batch in islice(stream, 20)]
    assert sum(max(batch) - min(batch) for batch in lengths) / 20 < 1
    assert lengths != sorted(lengths)  # in no order of their own


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stops", [(1,), (5,), (6,), (17,), (7, 8), (13, 17), (13, 22)], ids=str)
def test_a_resumed_stream_goes_on_where_it_was(stops: tuple[int, ...], workers: int, corpora: Path) -> None:
    """Also if it is resumed twice, within the same pool or before a rare source is read again."""

    def start() -> BatchStream:
        sources = stream_sources(str(corpora), [*NAMES])
        return make_stream(sources, weights=[0.97, 0.03], process=(1, 2), num_workers=workers)

    whole = texts_of(list(islice(start().loader(), 30)))
    state, done, found = None, 0, []
    for stop in (*stops, 30):
        stream = start()
        if state is not None:
            stream.load_state_dict(json.loads(state))
        batches = []
        for batch in islice(stream.loader(), stop - done):
            stream.note(batch["position"])
            batches.append(batch)
        found += texts_of(batches)
        state, done = json.dumps(stream.state_dict()), stop
    assert found == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"process": (0, 2)}, "processes was 1, is 2"),
        ({"num_workers": 2}, "workers was 1, is 2"),
        ({"weights": [1.0, 1.0]}, "weights was"),
        ({"seed": 3}, "seed was 0, is 3"),
        ({"pool_size": 48}, "pool size was 24, is 48"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_stream_that_reads_otherwise_is_not_resumed(change: dict[str, Any], message: str, corpora: Path) -> None:
    sources = stream_sources(str(corpora), [*NAMES])
    with pytest.raises(ValueError, match=message):
        make_stream(sources, **change).load_state_dict(make_stream(sources).state_dict())
    make_stream(sources, num_workers=1).load_state_dict(make_stream(sources).state_dict())  # reads the same rows


def test_streams_may_lie_anywhere_that_fsspec_opens(corpora: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(corpora), "/corpora", recursive=True)
    (source,) = stream_sources("memory://corpora", ["coffee_machine"])
    (local,) = stream_sources(str(corpora), ["coffee_machine"])
    assert source.intents == local.intents and set(first_texts([source], 20)) == set(first_texts([local], 20))


OPTIONS: dict[str, Any] = {
    "sources": [*NAMES], "streaming": True, "embeddings": "random", "min_word_count": 2, "embedding_size": 12, "hidden_size": 10,
    "task_hidden_size": 16, "max_steps": 12, "per_device_train_batch_size": 16, "pool_size": 80, "save_strategy": "steps", "save_steps": 4,
    "eval_strategy": "steps", "eval_steps": 4, "load_best_model_at_end": False, "use_cpu": True, "report_to": "none", "disable_tqdm": True,
    "save_total_limit": 9,
}  # fmt: skip


def test_streams_may_lie_on_a_hub(hub: HubServer, run: Any, corpora: Path, tmp_path: Path) -> None:
    repo = hub.repos["alice/corpora"] = Repo("alice/corpora", private=False)
    paths = list(corpora.rglob("*.jsonl*"))
    repo.add("main", {path.relative_to(corpora).as_posix(): File(path.read_bytes(), False) for path in paths}, "corpora", "alice")
    options = {**OPTIONS, "max_steps": 4, "save_strategy": "no", "eval_strategy": "no"}
    code = (
        "import json, sys; from headstart import pretrain; from headstart.cli import main; data = 'hf://datasets/alice/corpora'\n"
        "main(['labels', data]); pretrain(data, sys.argv[1], **json.loads(sys.argv[2]))"
    )
    done = run(code, tmp_path / "far", json.dumps(options))
    assert done.returncode == 0, done.stderr[-3000:]
    written = {name: json.loads(hub.files("alice/corpora")[f"{name}/labels.json"]) for name in NAMES}
    assert written == write_labels(str(corpora), NAMES)
    pretrain(corpora, tmp_path / "near", **options)
    far, near = (load_file(tmp_path / name / "model.safetensors") for name in ("far", "near"))
    assert far.keys() == near.keys() and all(torch.equal(value, near[name]) for name, value in far.items())


@pytest.mark.parametrize("more", [{}, {"dataloader_num_workers": 2}, {"sentence_loss": 1.0, "word_loss": 1.0}], ids=str)
def test_pretraining_on_a_stream_resumes_bit_for_bit(corpora: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    nlu = pretrain(corpora, tmp_path / "whole", **OPTIONS, **more)
    assert nlu.model.skills == [*NAMES]
    (tmp_path / "half").mkdir()
    (tmp_path / "whole" / "checkpoint-4").rename(tmp_path / "half" / "checkpoint-4")
    pretrain(corpora, tmp_path / "half", **OPTIONS, **more, resume_from_checkpoint="last")
    whole, half = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert whole.keys() == half.keys() and all(whole[name].equal(half[name]) for name in whole)
    assert json.loads((tmp_path / "half" / "run.json").read_text())["train_rows"]["plant_care"] == 60


def test_a_run_that_was_done_trains_no_further(corpora: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pretrain(corpora, out, **OPTIONS)
    metrics = (out / "metrics.json").read_text()
    pretrain(corpora, out, **OPTIONS, resume_from_checkpoint="last")
    assert json.loads(metrics)["steps"] == json.loads((out / "metrics.json").read_text())["steps"] == 12
    assert not (out / "checkpoint-13").exists()
    with pytest.raises(ValueError, match="was trained by streaming; go on as it began"):
        options = {**OPTIONS, "streaming": False, "max_steps": 14}
        pretrain(whole(corpora, tmp_path), out, **options, resume_from_checkpoint="last")


def test_the_command_writes_labels(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (corpora / "plant_care" / "labels.json").unlink()
    assert main(["labels", str(corpora), "--sources", "plant_care"]) == 0
    assert capsys.readouterr().out.startswith("plant_care: 60 rows, ")
    assert json.loads((corpora / "plant_care" / "labels.json").read_text())["rows"] == 60


def test_mistakes_are_explained(corpora: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="streaming wants max_steps"):
        pretrain(corpora, tmp_path / "out", **{**OPTIONS, "max_steps": -1})
    with pytest.raises(ValueError, match="source_weights has 1 number for 2 sources"):
        pretrain(corpora, tmp_path / "out", **OPTIONS, source_weights=[1.0])
    with pytest.raises(ValueError, match="source_weights is for streaming alone"):
        pretrain(corpora, tmp_path / "out", **{**OPTIONS, "streaming": False}, source_weights=[1.0, 2.0])
    with pytest.raises(DataError, match="has no corpus 'tea'; it has: coffee_machine, plant_care"):
        pretrain(corpora, tmp_path / "out", **{**OPTIONS, "sources": ["tea"]})
    labels = corpora / "plant_care" / "labels.json"
    for content, message in (('{"rows": 3', "labels.json is damaged"), ('{"rows": 3}', "is not what this version writes")):
        labels.write_text(content)
        with pytest.raises(DataError, match=f"{message}.*make it with headstart labels"):
            pretrain(corpora, tmp_path / "out", **OPTIONS)
    labels.unlink()
    with pytest.raises(DataError, match="has no labels.json, which streaming wants: make it with headstart labels"):
        pretrain(corpora, tmp_path / "out", **OPTIONS)
    with pytest.raises(DataError, match="holds no corpus"):
        write_labels(str(tmp_path / "out"))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "brew", "intent": 3, "slots": []}', "row .*brew.*field 'intent': found 3"),
        (b'{"text": "brew", "intent": "New", "slots": []}', "row .*brew.*has a label that is not in labels.json: make that anew"),
        (b"\xff\xfe", r"train-00000-of-00003\.jsonl: not UTF-8"),
    ],
    ids=["malformed", "new label", "bytes"],
)
def test_a_row_that_is_not_as_it_must_be_is_named(line: bytes, message: str, workers: int, corpora: Path) -> None:
    path = next(iter(sorted((corpora / "coffee_machine").glob("train*"))))
    path.write_bytes(path.read_bytes() + line + b"\n")
    stream = make_stream(stream_sources(str(corpora), ["coffee_machine"]), num_workers=workers)
    with pytest.raises(DataError, match=f"^corpus 'coffee_machine'.*{message}"):
        list(islice(stream.loader(), 100))


def test_copies_of_shards_are_no_shards(tmp_path: Path) -> None:
    write_corpus(tmp_path / "mail", numbered("mail", 9), 1)
    (shard,) = (tmp_path / "mail").glob("train*")
    for ending in (".bak", "~", ".sha256"):
        shard.with_name(shard.name + ending).write_bytes(shard.read_bytes())
    assert write_labels(str(tmp_path))["mail"]["rows"] == 9


def test_labels_of_evaluation_texts_alone_are_no_labels(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", numbered("a", 3), 1)
    (tmp_path / "a" / "validation.jsonl").write_text(numbered("a", 3)[1])
    assert write_labels(str(tmp_path))["a"] == {
        "rows": 2,
        "held_out": 1,
        "intents": ["a_0", "a_2"],
        "domain_intents": [],
        "slots": [],
    }


def test_an_empty_shard_is_named(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", numbered("a", 12), 3)
    (tmp_path / "a" / "train-00009.jsonl").write_text("")
    write_labels(str(tmp_path))
    sources = stream_sources(str(tmp_path), ["a"])
    found = Counter(texts[0] for texts in texts_of(list(islice(make_stream(sources, 1, 12), 12))))
    assert len(found) == 12
    streams = [make_stream(sources, process=(process, 4)) for process in range(4)]
    with pytest.raises(DataError, match="share . of 4 of corpus 'a' has no training row.*fewer processes and workers"):
        [next(iter(stream)) for stream in streams]


def test_a_corpus_of_evaluation_texts_alone_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", numbered("a", 3), 1)
    (tmp_path / "a" / "test.jsonl").write_text("\n".join(numbered("a", 3)))
    with pytest.raises(DataError, match="corpus 'a' in .* has no training row, or evaluation texts alone"):
        write_labels(str(tmp_path))
