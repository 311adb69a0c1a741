"""Files that don't belong together, numbers that are none and sizes that can't be: each is refused with one line, before anything is answered."""

from __future__ import annotations

import copy
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, pipeline

import headstart
from headstart import HeadstartConfig, HeadstartForJointNLU, HeadstartModel, NLUPipeline, export
from headstart.hub.push import push
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.integrity_headstart import note_hashes
from headstart.onnx import OnnxNLU

Change = Callable[[Path, Path], Any]
TEXT = "two lattes at noon"


class Cafe:
    """A skill like another one in all but its labels' order and its catalogs' values."""

    def __init__(self, is_other: bool) -> None:
        self.name = "cafe"
        self.intents = ["order", "stop", "ask"][:: -1 if is_other else 1]
        self.slots = ["drink", "size"]
        self.catalogs = (
            {"drink": ["latte", "espresso"], "size": ["small"]}
            if not is_other
            else {"drink": ["mocha", "tea"], "size": ["large"]}
        )


@pytest.fixture(scope="module")
def places(
    tiny_model: HeadstartForJointNLU,
    pieces: list[str],
    tokenizer: PreTrainedTokenizerBase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """`one` and `other`, each with a checkpoint, a head on the same trunk, and an exported skill: alike in every size."""
    root = tmp_path_factory.mktemp("places")
    continuing = sum(piece.startswith("##") for piece in pieces)
    begun = pieces[3 + continuing :]
    shuffled = headstart.tokenization.build_tokenizer([*pieces[: 3 + continuing], *begun[1:], begun[0]])
    for name, tokens in (("one", tokenizer), ("other", shuffled)):
        skill, model = Cafe(name == "other"), copy.deepcopy(tiny_model)
        torch.manual_seed(len(name))
        fitting = {label: [[5 + len(value), 7] for value in values] for label, values in skill.catalogs.items()}
        assert tokenize_catalogs(skill.catalogs, tokens).keys() == fitting.keys()
        model.add_skill(skill, rank=2, routes=True, catalogs=fitting, rejects=True, label_priors={"order": ["drink"]})
        for modules in (model.classifiers, model.adapters, model.gazetteers, model.routers):
            for parameter in modules["cafe"].parameters():
                torch.nn.init.normal_(parameter)
        nlu = NLUPipeline(model=model.eval(), tokenizer=tokens)
        nlu.save_pretrained(root / name / "checkpoint")
        model.save_skill("cafe", root / name / "head")
        export(nlu, root / name / "export", "cafe")
    NLUPipeline(model=copy.deepcopy(tiny_model), tokenizer=tokenizer).save_pretrained(root / "trunk")
    return root


def answer(folder: Path) -> Any:
    """Load what lies there, and ask it."""
    if folder.name == "head":
        return load_pipeline(folder, base=folder.parent / "trunk")(TEXT)
    nlu = load_pipeline(folder)
    return nlu(TEXT) if isinstance(nlu, OnnxNLU) else nlu(TEXT, skill="cafe")


def refused(action: Callable[[], Any]) -> str:
    with pytest.raises((ValueError, OSError)) as error:
        action()
    message = str(error.value)
    assert len(message) < 2000 and not message.startswith("Could not load")
    return message


@pytest.fixture
def mine(places: Path, tmp_path: Path) -> Callable[[str], Path]:
    shutil.copytree(places / "trunk", tmp_path / "trunk")
    return lambda kind: Path(shutil.copytree(places / "one" / kind, tmp_path / kind))


# ---- what may be done to a folder


def theirs(*names: str) -> Change:
    """Take files of the other folder."""
    return lambda folder, other: [shutil.copy(other / name, folder / name) for name in names]


def edited(name: str, edit: Callable[[Any], Any], *, is_bare: bool = False) -> Change:
    """Edit a JSON file; `is_bare`: and take the table of hashes away."""

    def change(folder: Path, other: Path) -> None:
        content = json.loads((folder / name).read_text())
        if is_bare and isinstance(content, dict):
            content.pop("sha256", None)
        changed = edit(content)
        (folder / name).write_text(json.dumps(content if changed is None else changed))

    return change


def bare(name: str, change: Change | None = None) -> Change:
    """Take the table of hashes away, as if an earlier version had written the folder."""

    def do(folder: Path, other: Path) -> None:
        edited(name, lambda content: content, is_bare=True)(folder, other)
        if change is not None:
            change(folder, other)

    return do


def without(content: Any, *names: str) -> None:
    for name in names:
        del content[name]


def cafe(config: Any) -> Any:
    return next(entry for entry in config["skills"] if entry["name"] == "cafe")


def swap(items: list[Any], first: int = 0, second: int = 1) -> None:
    items[first], items[second] = items[second], items[first]


def merged_tables(mark: str) -> Change:
    """Take the other folder's table, and its weights."""

    def change(folder: Path, other: Path) -> None:
        ours, others = (json.loads((place / mark).read_text()) for place in (folder, other))
        (folder / mark).write_text(json.dumps({**ours, "sha256": others["sha256"]}))

    return change


CONFIG, HEAD, EXPORT = "config.json", "head.json", "headstart.json"
IN_CHECKPOINTS: dict[str, tuple[Change, str]] = {
    "a tokenizer with the same vocabulary size": (theirs("tokenizer.json"), "tokenizer.json is not what"),
    "a tokenizer and how it is used": (theirs("tokenizer.json", "tokenizer_config.json"), "tokenizer.json is not what"),
    "weights of the same shapes": (theirs("model.safetensors"), "model.safetensors is not what"),
    "a configuration of the same shapes": (theirs(CONFIG), "model.safetensors is not what|tokenizer.json is not what"),
    "all but the tokenizer": (theirs(CONFIG, "model.safetensors"), "tokenizer.json is not what"),
    "all but the weights": (theirs(CONFIG, "tokenizer.json", "tokenizer_config.json"), "model.safetensors is not what"),
    "the table of another": (merged_tables(CONFIG), "config.json is not what was saved"),
    "intents reversed": (edited(CONFIG, lambda c: cafe(c)["intents"].reverse()), "config.json is not what was saved"),
    "slots swapped": (edited(CONFIG, lambda c: swap(cafe(c)["slots"])), "config.json is not what was saved"),
    "catalogs swapped": (edited(CONFIG, lambda c: swap(cafe(c)["gazetteer"]["slots"])), "config.json is not what was saved"),
    "skills of one shape swapped": (edited(CONFIG, lambda c: swap(c["skills"], 0, 2)), "config.json is not what was saved"),
    "a threshold": (edited(CONFIG, lambda c: cafe(c)["rejection"].update(threshold=0.1)), "config.json is not what was saved"),
    "label priors of another intent": (
        edited(CONFIG, lambda c: cafe(c).update(label_priors={"stop": ["size"]})), "config.json is not what was saved"),
    "no continuation_start": (edited(CONFIG, lambda c: without(c, "continuation_start")), "config.json is not what was saved"),
    "another unknown token": (edited(CONFIG, lambda c: c.update(unk_token_id=7)), "config.json is not what was saved"),
    "a table without the weights": (edited(CONFIG, lambda c: without(c["sha256"], "model.safetensors")), "config.json is not what was saved"),
    "a table without itself": (edited(CONFIG, lambda c: without(c["sha256"], CONFIG)), "the table of hashes in config.json is none"),
    "a table that is none": (edited(CONFIG, lambda c: c.update(sha256=[1])), "the table of hashes in config.json is none"),
    "a table that climbs out": (edited(CONFIG, lambda c: c["sha256"].update({"../../x": "0"})), "the table of hashes in config.json is none"),
    "a table of another name": (edited(CONFIG, lambda c: c.update(sha257=c.pop("sha256"))), "has lost its name"),
    "another length of texts": (
        edited("tokenizer_config.json", lambda c: c.update(model_max_length=3)), "tokenizer_config.json is not what"),
    "upper case kept": (
        edited("tokenizer.json", lambda c: c["normalizer"]["normalizers"][1].update(lowercase=False)), "tokenizer.json is not what"),
    "two tokens swapped": (
        edited("tokenizer.json", lambda c: c["model"]["vocab"].update({"latte": c["model"]["vocab"]["a"], "a": c["model"]["vocab"]["latte"]})
               if "latte" in c["model"]["vocab"] else c["model"]["vocab"].update({"[MASK]": 1, "[UNK]": 2})), "tokenizer.json is not what"),
    "tokens that it was saved without": (
        lambda folder, other: (folder / "added_tokens.json").write_text('{"latte": 5}'), "holds added_tokens.json, which it was not saved with"),
    "no weights": (lambda folder, other: (folder / "model.safetensors").unlink(), "it lacks model.safetensors"),
    "no tokenizer_config.json": (lambda folder, other: (folder / "tokenizer_config.json").unlink(), "it lacks tokenizer_config.json"),
}  # fmt: skip
IN_HEADS: dict[str, tuple[Change, str]] = {
    "weights of the same shapes": (theirs("head.safetensors"), "head.safetensors is not what"),
    "a description of the same shapes": (theirs(HEAD), "head.safetensors is not what"),
    "the table of another": (merged_tables(HEAD), "head.json is not what was saved"),
    "intents reversed": (edited(HEAD, lambda c: c["skill"]["intents"].reverse()), "head.json is not what was saved"),
    "slots swapped": (edited(HEAD, lambda c: swap(c["skill"]["slots"])), "head.json is not what was saved"),
    "catalogs swapped": (edited(HEAD, lambda c: swap(c["skill"]["gazetteer"]["slots"])), "head.json is not what was saved"),
    "a name": (edited(HEAD, lambda c: c["skill"].update(name="bar")), "head.json is not what was saved"),
    "a temperature": (edited(HEAD, lambda c: c["skill"]["rejection"].update(temperature=9)), "head.json is not what was saved"),
    "another trunk's fingerprint": (edited(HEAD, lambda c: c["trunk"].update(fingerprint="0" * 64)), "head.json is not what was saved"),
    "the hash of other weights, where 0.1 looks": (edited(HEAD, lambda c: c.update(weights="0" * 64)), "head.json is not what was saved"),
    "no weights": (lambda folder, other: (folder / "head.safetensors").unlink(), "it lacks head.safetensors"),
    "an earlier version's, other weights": (bare(HEAD, theirs("head.safetensors")), "head.safetensors is not what"),
}  # fmt: skip
IN_EXPORTS: dict[str, tuple[Change, str]] = {
    **{f"another's {name}": (theirs(name), f"{name} is not what")
       for name in ("tokenizer.json", "catalogs.json", "crf.npz", "model.onnx")},
    "another's headstart.json": (theirs(EXPORT), "is not what headstart.json was saved with"),
    "another's network and labels": (theirs(EXPORT, "model.onnx"), "is not what headstart.json was saved with"),
    "another's network, labels and CRF": (theirs(EXPORT, "model.onnx", "crf.npz"), "is not what headstart.json was saved with"),
    "the table of another": (merged_tables(EXPORT), "headstart.json is not what was saved"),
    "intents reversed": (edited(EXPORT, lambda c: c["skill"]["intents"].reverse()), "headstart.json is not what was saved"),
    "slots swapped": (edited(EXPORT, lambda c: swap(c["skill"]["slots"])), "headstart.json is not what was saved"),
    "catalogs swapped": (edited("catalogs.json", lambda c: c[::-1]), "catalogs.json is not what"),
    "no length of texts": (edited(EXPORT, lambda c: c.update(max_tokens=-1)), "headstart.json is not what was saved"),
    **{f"no {name}": (lambda folder, other, name=name: (folder / name).unlink(), f"lacks {name}")
       for name in ("crf.npz", "catalogs.json", "tokenizer.json", "model.onnx")},
}  # fmt: skip
CHANGED = [
    *(("checkpoint", name) for name in IN_CHECKPOINTS),
    *(("head", name) for name in IN_HEADS),
    *(("export", name) for name in IN_EXPORTS),
]


@pytest.mark.parametrize(("kind", "name"), CHANGED, ids=lambda value: value)
def test_files_that_do_not_belong_together(kind: str, name: str, places: Path, mine: Callable[[str], Path]) -> None:
    folder = mine(kind)
    change, message = {"checkpoint": IN_CHECKPOINTS, "head": IN_HEADS, "export": IN_EXPORTS}[kind][name]
    change(folder, places / "other" / kind)
    said = refused(lambda: answer(folder))
    assert any(words in said for words in message.split("|")), said
    if "is not what" in said:
        assert said.endswith(f"call headstart.accept_changes({str(folder)!r}).") and "\n" not in said
    if "is not what" in said and not name.startswith("an earlier"):
        with pytest.raises(ValueError):  # what is damaged is not published either
            push(folder, "me/it", token="hf_none")


@pytest.mark.parametrize("kind", ["checkpoint", "head", "export"])
def test_what_no_answer_depends_on_may_be_another_s(kind: str, mine: Callable[[str], Path]) -> None:
    """Cards, figures and options of training are not covered; nor are a checkpoint's copies of code, where they are not what is run."""
    folder = mine(kind)
    expected = answer(folder)
    for name in ("README.md", "metrics.json", "run.json"):
        (folder / name).write_text("{}")
    for file in folder.glob("*_headstart.py"):
        file.write_text("raise SystemExit")
    assert answer(folder) == expected


@pytest.mark.parametrize("kind", ["checkpoint", "head", "export"])
def test_whoever_means_it_goes_on(kind: str, places: Path, mine: Callable[[str], Path]) -> None:
    folder = mine(kind)
    mark = {"checkpoint": CONFIG, "head": HEAD, "export": EXPORT}[kind]
    edit = edited(mark, lambda c: (cafe(c) if kind == "checkpoint" else c["skill"])["rejection"].update(threshold=1.0))
    edit(folder, folder)
    refused(lambda: answer(folder))
    assert headstart.accept_changes(folder) == [mark]
    assert answer(folder)["intent"]["label"] in Cafe(False).intents
    assert headstart.accept_changes(folder) == []
    bare(mark)(folder, folder)  # as an earlier version would have written it
    assert answer(folder)["intent"]["label"] in Cafe(False).intents
    assert mark in headstart.accept_changes(folder)


def test_accepting_says_what_it_needs(mine: Callable[[str], Path], tmp_path: Path) -> None:
    mine("head")
    assert "these folders hold heads" in refused(lambda: headstart.accept_changes(tmp_path))
    (tmp_path / "head" / HEAD).write_text("{")
    assert "head.json can't be read" in refused(lambda: headstart.accept_changes(tmp_path / "head"))
    assert "holds no model" in refused(lambda: headstart.accept_changes(tmp_path / "nothing"))


LOADERS: dict[str, Callable[[Path], Any]] = {
    "load_pipeline": load_pipeline,
    "HeadstartForJointNLU": HeadstartForJointNLU.from_pretrained,
    "HeadstartModel": HeadstartModel.from_pretrained,
    "AutoModel": AutoModel.from_pretrained,
    "a subfolder": lambda folder: AutoModel.from_pretrained(folder.parent, subfolder=folder.name),
    "pipeline": lambda folder: pipeline("joint-nlu", model=str(folder)),
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("file", [CONFIG, "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_whatever_loads_a_checkpoint_looks_at_every_file(name: str, file: str, mine: Callable[[str], Path]) -> None:
    folder = mine("checkpoint")
    LOADERS[name](folder)
    content = (folder / file).read_text("latin-1")
    (folder / file).write_text(content.replace("0.3", "0.4") if file == CONFIG else content + " ", "latin-1")
    with pytest.raises(ValueError, match=f"(?s){file} is not what"):
        LOADERS[name](folder)


def test_a_tokenizer_that_is_saved_alone_later(mine: Callable[[str], Path], tmp_path: Path) -> None:
    """transformers writes it in other bytes, so that in the place of the one that was known it needs a word; beside a new model, where none was, it
    needs none."""
    folder = mine("checkpoint")
    expected = answer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer(["a b c"], truncation=True, max_length=100)  # it keeps that in the tokenizer
    tokenizer.save_pretrained(folder)
    assert "is not what config.json was saved with" in refused(lambda: answer(folder))
    assert "tokenizer.json" in headstart.accept_changes(folder)
    assert answer(folder) == expected
    model = HeadstartForJointNLU.from_pretrained(folder)
    model.save_pretrained(tmp_path / "new")
    tokenizer.save_pretrained(tmp_path / "new")  # the usual way: nothing was known of it, and it fits
    assert answer(tmp_path / "new") == expected
    model.save_pretrained(folder)  # what was known of the tokenizer stays
    shutil.copy(folder / "tokenizer_config.json", folder / "kept")
    (folder / "tokenizer_config.json").write_text("{}")
    assert "tokenizer_config.json is not what" in refused(lambda: answer(folder))


def test_a_configuration_that_is_saved_alone_stays_with_the_rest(mine: Callable[[str], Path], places: Path) -> None:
    folder = mine("checkpoint")
    config = HeadstartConfig.from_pretrained(folder)
    config.word_dropout = 0.25
    config.save_pretrained(folder)
    assert answer(folder) and HeadstartForJointNLU.from_pretrained(folder).config.word_dropout == 0.25
    theirs("model.safetensors")(folder, places / "other" / "checkpoint")
    assert "model.safetensors is not what" in refused(lambda: answer(folder))


# ---- where nothing is known: folders of earlier versions


def weights(edit: Callable[[dict[str, torch.Tensor]], Any], name: str = "model.safetensors") -> Change:
    def change(folder: Path, other: Path) -> None:
        tensors = load_file(folder / name)
        edit(tensors)
        save_file(tensors, folder / name, metadata={"format": "pt"})
        headstart.accept_changes(folder)  # as whoever means harm would

    return change


def first(tensors: dict[str, torch.Tensor], part: str) -> torch.Tensor:
    """A weight of the skill."""
    return next(value for name, value in sorted(tensors.items()) if part in name and value.is_floating_point())


def longer(vocabulary: dict[str, int]) -> None:
    vocabulary.update({f"new{number}": len(vocabulary) + number for number in range(1)})


DEEP = b"[" * 100_000
NAN = float("nan")
UNKNOWN_CHECKPOINTS: dict[str, tuple[Change, str]] = {
    "a larger vocabulary": (bare(CONFIG, edited("tokenizer.json", lambda c: longer(c["model"]["vocab"]))), "and the network embeddings of"),
    "a smaller vocabulary": (
        bare(CONFIG, edited("tokenizer.json", lambda c: without(c["model"]["vocab"], list(c["model"]["vocab"])[-1]))), "and the network embeddings of"),
    "no continuation_start and _stop": (
        edited(CONFIG, lambda c: without(c, "continuation_start", "continuation_stop"), is_bare=True), "continuation_start and"),
    "continuation_stop too low": (
        edited(CONFIG, lambda c: c.update(continuation_stop=c["continuation_stop"] - 1), is_bare=True), "continuation_start and"),
    "another padding": (edited(CONFIG, lambda c: c.update(pad_token_id=4), is_bare=True), "pad_token_id is 0 in the tokenizer and 4"),
    "an id beyond the vocabulary": (edited(CONFIG, lambda c: c.update(unk_token_id=10**6), is_bare=True), "unk_token_id is 1000000"),
    "terabytes of embeddings": (edited(CONFIG, lambda c: c.update(vocab_size=2**20, embedding_size=2**20), is_bare=True), "(1048576, 1048576)"),
    "terabytes of units": (edited(CONFIG, lambda c: c.update(hidden_size=2**20), is_bare=True), "4194304"),
    "a size that can't be": (edited(CONFIG, lambda c: c.update(vocab_size=10**15), is_bare=True), "at most 1048576"),
    "terabytes of catalogs": (edited(CONFIG, lambda c: cafe(c)["gazetteer"].update(values=2**31 - 1), is_bare=True), "2147483647"),
    "more catalogs than can be": (edited(CONFIG, lambda c: cafe(c)["gazetteer"].update(tokens=10**30), is_bare=True), "allowed are 2147483647"),
    "another rank": (edited(CONFIG, lambda c: cafe(c).update(rank=1024), is_bare=True), "1024"),
    "terabytes of labels": (
        edited(CONFIG, lambda c: cafe(c).update(slots=[str(number) for number in range(10**5)], gazetteer=None, label_priors=None), is_bare=True),
        "200001"),
    "a temperature that is none": (edited(CONFIG, lambda c: cafe(c)["rejection"].update(temperature=1e-308), is_bare=True), "temperature must be in"),
    "a temperature of NaN": (edited(CONFIG, lambda c: cafe(c)["rejection"].update(temperature=NAN), is_bare=True), "NaN is no number of JSON"),
    "a dropout of infinity": (edited(CONFIG, lambda c: c.update(word_dropout=float("inf")), is_bare=True), "Infinity is no number of JSON"),
    "a field twice": (
        bare(CONFIG, lambda folder, _: (folder / CONFIG).write_text((folder / CONFIG).read_text()[:-1] + ', "hidden_size": 10}')), "twice"),
    "a deep configuration": (lambda folder, _: (folder / CONFIG).write_bytes(b'{"skills": ' + DEEP), "nested too deeply"),
    "a deep tokenizer.json": (bare(CONFIG, lambda folder, _: (folder / "tokenizer.json").write_bytes(b'{"a": ' + DEEP)), "nested too deeply"),
    "a deep tokenizer_config.json": (
        bare(CONFIG, lambda folder, _: (folder / "tokenizer_config.json").write_bytes(b'{"a": ' + DEEP)), "nested too deeply"),
    "a tokenizer.json of nothing": (bare(CONFIG, lambda folder, _: (folder / "tokenizer.json").write_text("{}")), "can't be loaded"),
    "texts of no length": (
        bare(CONFIG, edited("tokenizer_config.json", lambda c: c.update(model_max_length=-1))), "model_max_length in tokenizer_config.json"),
    "NaN in a classifier": (weights(lambda t: first(t, "classifiers.cafe.intent").fill_(NAN)), "classifiers.cafe.intent_classifier"),
    "NaN in a CRF": (weights(lambda t: first(t, "classifiers.cafe.crf").view(-1)[0].fill_(NAN)), "holds what is no number"),
    "infinity in a router": (weights(lambda t: first(t, "routers.cafe").view(-1)[0].fill_(float("inf"))), "routers.cafe"),
    "NaN in one embedding": (weights(lambda t: t["trunk.embed_tokens.weight"][77, 3].fill_(NAN)), "trunk.embed_tokens.weight holds"),
    "a token beyond the vocabulary in a catalog": (
        weights(lambda t: t["gazetteers.cafe.token_ids"].fill_(10**6)), "catalogs don't fit the vocabulary"),
    "an earlier version's, other weights": (
        lambda folder, other: (edited(CONFIG, lambda c: c.update(weights_sha256={"model.safetensors": c.pop("sha256")["model.safetensors"]}))(
            folder, other), theirs("model.safetensors")(folder, other)), "model.safetensors is not what"),
}  # fmt: skip
UNKNOWN_HEADS: dict[str, tuple[Change, str]] = {
    "NaN in a router": (weights(lambda t: first(t, "routers").fill_(NAN), "head.safetensors"), "routers.bias in head.safetensors holds"),
    "NaN in an adapter": (weights(lambda t: first(t, "adapters").view(-1)[0].fill_(NAN), "head.safetensors"), "adapters"),
    "a temperature that is none": (
        edited(HEAD, lambda c: c["skill"]["rejection"].update(temperature=1e-308), is_bare=True), "temperature must be in"),
    "a threshold of NaN": (edited(HEAD, lambda c: c["skill"]["rejection"].update(threshold=NAN), is_bare=True), "NaN is no number of JSON"),
    "figures of NaN": (edited(HEAD, lambda c: c.update(metrics={"loss": NAN}), is_bare=True), "NaN is no number of JSON"),
    "terabytes of catalogs": (edited(HEAD, lambda c: c["skill"]["gazetteer"].update(tokens=2**31 - 1), is_bare=True), "don't fit its labels"),
    "more catalogs than can be": (edited(HEAD, lambda c: c["skill"]["gazetteer"].update(tokens=2**63), is_bare=True), "allowed are"),
    "a deep description": (lambda folder, _: (folder / HEAD).write_bytes(b'{"skill": ' + DEEP), "nested too deeply"),
    "a field twice": (lambda folder, _: (folder / HEAD).write_text('{"format": 2, "format": 2}'), "twice"),
    "a skill that is a list": (edited(HEAD, lambda c: c.update(skill=["cafe"]), is_bare=True), "lacks its trunk"),
}  # fmt: skip


def npz(**arrays: Any) -> Change:
    return lambda folder, _: np.savez(folder / "crf.npz", **{**np.load(folder / "crf.npz"), **arrays})


def announced(folder: Path, other: Path) -> None:
    """A file of numpy that says it holds terabytes."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }\n"
    with zipfile.ZipFile(folder / "crf.npz", "w") as archive:
        for name in ("start", "transitions", "end"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)


def zeroed(folder: Path, other: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[100:300] = bytes(200)
    (folder / "model.onnx").write_bytes(content)


UNKNOWN_EXPORTS: dict[str, tuple[Change, str]] = {
    "a network with holes": (bare(EXPORT, zeroed), "model.onnx can't be run"),
    "a network that is cut off": (
        bare(EXPORT, lambda folder, _: (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:500])), "model.onnx can't be run"),
    "a network of other labels": (
        edited(EXPORT, lambda c: c["skill"]["intents"].append("more"), is_bare=True), "model.onnx gives scores"),
    "a larger vocabulary": (bare(EXPORT, edited("tokenizer.json", lambda c: longer(c["model"]["vocab"]))), "model.onnx can't be run"),
    "a tokenizer.json of nothing": (bare(EXPORT, lambda folder, _: (folder / "tokenizer.json").write_text("{}")), "tokenizer.json can't be read"),
    "a deep tokenizer.json": (bare(EXPORT, lambda folder, _: (folder / "tokenizer.json").write_bytes(DEEP)), "tokenizer.json can't be read"),
    "a deep headstart.json": (lambda folder, _: (folder / EXPORT).write_bytes(b'{"skill": ' + DEEP), "nested too deeply"),
    "a deep catalogs.json": (bare(EXPORT, lambda folder, _: (folder / "catalogs.json").write_bytes(DEEP)), "nested too deeply"),
    "catalogs that are numbers": (bare(EXPORT, lambda folder, _: (folder / "catalogs.json").write_text("[[1], [2]]")), "catalogs.json doesn't hold"),
    "a catalog less": (bare(EXPORT, edited("catalogs.json", lambda c: c[:1])), "catalogs.json doesn't hold"),
    "a token beyond the vocabulary in a catalog": (
        bare(EXPORT, edited("catalogs.json", lambda c: [["\U000f0000" * len(key) for key in keys] for keys in c])), "doesn't fit the vocabulary"),
    "no catalogs": (bare(EXPORT, lambda folder, _: (folder / "catalogs.json").unlink()), "lacks catalogs.json"),
    "no CRF": (bare(EXPORT, lambda folder, _: (folder / "crf.npz").unlink()), "lacks crf.npz"),
    "a CRF of other labels": (bare(EXPORT, npz(end=np.zeros(3, np.float32))), "crf.npz holds"),
    "a CRF of NaN": (bare(EXPORT, npz(start=np.full(5, np.nan, np.float32))), "start in crf.npz holds what is no number"),
    "a CRF of words": (bare(EXPORT, npz(end=np.array(["a"] * 5))), "end in crf.npz holds what is no number"),
    "a CRF of terabytes": (bare(EXPORT, announced), "crf.npz holds"),
    "a CRF that is no archive": (bare(EXPORT, lambda folder, _: (folder / "crf.npz").write_bytes(b"x" * 100)), "crf.npz can't be read"),
    "max_pieces of -1": (
        edited(EXPORT, lambda c: (c.update(max_pieces=-1), without(c, "max_tokens"))[1], is_bare=True), "max_pieces in headstart.json is '-1'"),
    "no max_tokens": (edited(EXPORT, lambda c: without(c, "max_tokens"), is_bare=True), "max_pieces in headstart.json is 'None'"),
    "no unk_token_id": (edited(EXPORT, lambda c: without(c, "unk_token_id"), is_bare=True), "unk_token_id in headstart.json"),
    "no version": (edited(EXPORT, lambda c: without(c, "version"), is_bare=True), "version None of the format"),
    "no skill": (edited(EXPORT, lambda c: without(c, "skill"), is_bare=True), "headstart.json has no skill"),
    "a temperature that is none": (
        edited(EXPORT, lambda c: c["skill"]["rejection"].update(temperature=1e-308), is_bare=True), "temperature must be in"),
    "priors of infinity": (edited(EXPORT, lambda c: c["skill"].update(unseen_prior=float("inf")), is_bare=True), "Infinity is no number"),
    "priors of nothing": (edited(EXPORT, lambda c: c["skill"].update(unseen_prior=0), is_bare=True), "unseen_prior in headstart.json"),
    "a field twice": (lambda folder, _: (folder / EXPORT).write_text('{"version": 1, "version": 1}'), "twice"),
}  # fmt: skip
UNKNOWN = [
    *(("checkpoint", name) for name in UNKNOWN_CHECKPOINTS),
    *(("head", name) for name in UNKNOWN_HEADS),
    *(("export", name) for name in UNKNOWN_EXPORTS),
]


@pytest.mark.parametrize(("kind", "name"), UNKNOWN, ids=lambda value: value)
def test_numbers_and_sizes_that_can_not_be(kind: str, name: str, places: Path, mine: Callable[[str], Path]) -> None:
    """Where no hash is known, or it was made to fit."""
    folder = mine(kind)
    change, message = {"checkpoint": UNKNOWN_CHECKPOINTS, "head": UNKNOWN_HEADS, "export": UNKNOWN_EXPORTS}[kind][name]
    change(folder, places / "other" / kind)
    said = refused(lambda: answer(folder))
    assert message in said, said


@pytest.mark.parametrize(
    "name", ["a header longer than the file", "a tensor longer than the file", "no header", "a shape of words"]
)
def test_a_header_of_weights_that_can_not_be(name: str, mine: Callable[[str], Path]) -> None:
    folder = mine("checkpoint")
    content = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    entry = header["trunk.embed_tokens.weight"]
    if name == "a tensor longer than the file":
        entry.update(shape=[2**20, 2**20], data_offsets=[0, 2**42])
    elif name == "a shape of words":
        entry["shape"] = ["many"]
    raw = json.dumps(header).encode()
    size = 2**62 if name == "a header longer than the file" else 0 if name == "no header" else len(raw)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", size) + raw + content[8 + length :])
    note_hashes(folder)
    assert "damaged: model.safetensors can't be read" in refused(lambda: answer(folder))


def test_a_tokenizer_of_another_network_makes_no_pipeline(model: HeadstartForJointNLU, pieces: Sequence[str]) -> None:
    other = headstart.tokenization.build_tokenizer([*pieces, "unheard", "of"])
    assert "load both from one checkpoint" in refused(lambda: NLUPipeline(model=model, tokenizer=other))


@pytest.mark.parametrize("part", ["intent_classifier", "slot_classifier", "router"])
def test_numbers_that_are_too_large_to_count_with_give_no_answer(part: str, places: Path) -> None:
    """They are numbers, and are loaded; what comes of them is none."""
    nlu: Any = load_pipeline(places / "one" / "checkpoint")
    layer = nlu.model.routers["cafe"] if part == "router" else getattr(nlu.model.classifiers["cafe"], part)
    with torch.no_grad():
        layer.weight.fill_(3e38)
    assert "hold what is no number" in refused(lambda: nlu(TEXT, **({} if part == "router" else {"skill": "cafe"})))


# ---- from a hub

FROM_HUB = """
import sys
from pathlib import Path
from transformers import AutoModel, AutoTokenizer, pipeline
import headstart
from headstart.hub.push import push
from headstart.loading import load_pipeline
kind, name = sys.argv[1:3]
repo = f"alice/{kind}"
base = sys.argv[3]
ways = {
    "checkpoint": [
        load_pipeline, headstart.HeadstartForJointNLU.from_pretrained, AutoModel.from_pretrained, lambda repo: pipeline("joint-nlu", model=repo)
    ],
    "head": [lambda repo: load_pipeline(repo, base=base), headstart.HeadstartForJointNLU.from_pretrained(base).load_skill],
    "export": [load_pipeline],
}[kind]
ways[0](repo)  # fills the cache
(snapshot,) = Path(sys.argv[4]).glob("**/snapshots/*")
file = (snapshot / name).resolve()
content = bytearray(file.read_bytes())
content[-60:-50] = bytes(10)
file.write_bytes(content)
for way in ways:
    try:
        way(repo)
        print("loaded")
    except (OSError, ValueError) as error:
        print(str(error).strip().splitlines()[-1])
"""
CACHED = [
    *(("checkpoint", name) for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", CONFIG)),
    *(("head", name) for name in ("head.safetensors", HEAD)),
    *(("export", name) for name in ("model.onnx", "tokenizer.json", "crf.npz", "catalogs.json", EXPORT)),
]


@pytest.mark.parametrize(("kind", "name"), CACHED)
def test_a_damaged_file_in_the_cache_of_the_hub(kind: str, name: str, hub: Any, run: Any, places: Path, tmp_path: Path) -> None:
    push = "import sys; from headstart.hub.push import push; push(*sys.argv[1:])"
    assert run(push, places / "one" / kind, f"alice/{kind}").returncode == 0
    done = run(FROM_HUB, kind, name, places / "trunk", tmp_path / "home")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == {"checkpoint": 4, "head": 2, "export": 1}[kind]
    for line in said:
        assert "is damaged" in line or (name == CONFIG and "not a valid JSON file" in line), line
        assert "where it was downloaded to, and load it again" in line or name in (CONFIG, HEAD, EXPORT)
