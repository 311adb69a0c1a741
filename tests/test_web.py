"""A page that answers in the browser: its decoder under node, with what Python says of the same texts, and all of it in Chromium."""

from __future__ import annotations

import copy
import json
import random
import shutil
import statistics
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from browser import open_browser, serve
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, export, finetune, load_skill
from headstart.cli import main
from headstart.data.skills import label_priors
from headstart.decoding import make_field
from headstart.modeling.catalog_headstart import CatalogDict, find_matches, token_key
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from headstart.onnx import OnnxNLU
from headstart.web import characters
from headstart.web.characters import UnsupportedTokenizer, make_table
from headstart.web.folder import export_web
from headstart.web.runtime import FILES, PACKAGE, runtime_files

NOT_IN_PYTHON = ("start_utf16", "end_utf16")  # of a slot
SKILLS = ("coffee_machine", "museum_guide", "plant_care")
ODD_TEXTS = [
    "",
    "   ",
    "🙂",
    "\u0301",
    "what's the capital of Norway?",
    "ß İstanbul 北京 ½ 12abc",
    "한국어 1.5l",
    "[PAD] [UNK]",
    "x" * 300,
]
# As people type, and as they don't.
CHANGES = (
    str, str, str.upper, lambda text: text.title() + "!", lambda text: text.replace("e", "é"), lambda text: text.replace("o", "o\u0301"),
    lambda text: f"🙂 {text} 👩‍🍳", lambda text: f"{text} zxqv blorfy", lambda text: f"  {text}\n".replace(" ", "  \t"),
    lambda text: f"“{text}”, please…", lambda text: text.replace("a", "‘a’"), lambda text: f"tell me a joke about {text.split()[-1]}",
)  # fmt: skip


@pytest.fixture(scope="module")
def nlu(tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, coffee: Skill) -> NLUPipeline:
    """A skill with everything that a skill can have; weights so large that answers differ."""
    torch.manual_seed(1)
    model = copy.deepcopy(tiny_model)
    model.add_skill(
        coffee,
        catalogs=tokenize_catalogs(coffee.catalogs, tokenizer),
        listed={label: coffee.listed(label) for label in coffee.catalogs},
        rejects=True,
        label_priors=label_priors(coffee.rows("train")),
    )
    model.skill("coffee_machine")["rejection"]["temperature"] = 1.3
    model.skill("coffee_machine")["slot_temperature"] = 1.4
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the place of onnxruntime-web, where nothing is run."""
    folder = tmp_path_factory.mktemp("runtime") / PACKAGE
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("{}")
    (folder / "package.json").write_text(json.dumps({"name": PACKAGE}))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _one_table() -> Iterator[None]:
    """All tokenizers here read characters alike; to ask one of all takes seconds."""
    found: list[characters.Table] = []

    def first(tokenizer: Tokenizer) -> characters.Table:
        if not found:
            found.append(make_table(tokenizer))
        return found[0]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("headstart.web.folder.make_table", first)
        yield


class Decoder:
    """A page's decoder in a process of node.

    Args:
        folder: the page's.
    """

    def __init__(self, folder: Path) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip("there is no node to run JavaScript: apt-get install nodejs")
        (folder / "package.json").write_text(
            '{"type": "module"}'
        )  # for node, which doesn't know that a page's scripts are modules
        command = [node, str(Path(__file__).parent / "page_decoder.mjs"), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def __call__(self, call: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def decoder_of(nlu: NLUPipeline, skill: str, runtime: Path, folder: Path) -> Iterator[tuple[OnnxNLU, Decoder]]:
    export_web(nlu, folder, skill, runtime=runtime)
    decoder = Decoder(folder)
    yield OnnxNLU(folder), decoder
    decoder.close()


@pytest.fixture(scope="module")
def both(nlu: NLUPipeline, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OnnxNLU, Decoder]]:
    """Python's and the page's reader of the same folder."""
    yield from decoder_of(nlu, "coffee_machine", runtime, tmp_path_factory.mktemp("web") / "coffee")


def as_page(onnx: OnnxNLU, decoder: Decoder, text: str, options: dict[str, Any]) -> dict[str, Any]:
    """The page's answer to a text, from what onnxruntime makes of it in Python; and both read the same."""
    row = onnx._read(text)
    feed: dict[str, Any] = {"input_ids": np.array([row.tokens]), "lengths": np.array([len(row.tokens)])}
    if onnx._catalogs is not None:
        feed["matches"] = onnx._find_matches([row], (1, len(row.tokens)), options.get("useGazetteers", True))
    scores = dict(zip(onnx._outputs, onnx._session.run(None, feed), strict=True))
    found = decoder(
        "answer", text=text, options=options, scores={name: values.ravel().tolist() for name, values in scores.items()}
    )
    assert found.get("error") is None, found
    assert {name: (part["dims"], part["data"]) for name, part in found["fed"].items()} == {
        name: (list(part.shape), part.ravel().tolist()) for name, part in feed.items()
    }
    answer: dict[str, Any] = found["answer"]
    return answer


def close(first: Any, second: Any, tolerance: float = 1e-5) -> bool:
    """Equal, but for the last digits of scores."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(close(first[key], second[key], tolerance) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(close(*pair, tolerance) for pair in zip(first, second, strict=True))
    if isinstance(second, float):
        return bool(first == pytest.approx(second, abs=tolerance))
    return bool(first == second)


def without_utf16(answer: dict[str, Any]) -> dict[str, Any]:
    """A page's answer as Python has it, after a look at the places that JavaScript has besides."""
    text = answer["text"].encode("utf-16-le", "surrogatepass")
    for slot in answer["slots"]:
        start, end = (slot.pop(name) for name in NOT_IN_PYTHON)
        assert text[2 * start : 2 * end].decode("utf-16-le", "surrogatepass") == slot["value"]
    return answer


def changed_texts(skill: Skill, count: int) -> list[str]:
    """Texts of a skill, each changed in one way or not at all, after some that nobody would say."""
    texts = [text for rows in (skill.test, skill.train) for text in rows["text"]]
    random.Random(skill.name).shuffle(texts)
    changed = [CHANGES[number % len(CHANGES)](text) for number, text in enumerate(texts)]
    return [*ODD_TEXTS, *changed][:count]


def marked_letters() -> st.SearchStrategy[str]:
    """Characters of all kinds, most of them such as texts have."""
    usual = st.sampled_from("abcdxyz  '’19.,-éÉßİıǅ½²ａ北京한국\u0301\u0308\u200d\u202e\u00a0\u3000🙂👩🇩🇪\ufe0f\ufffd\t\nΣς")
    return st.text(usual | st.characters() | st.characters(categories=["Mn", "Mc", "Me", "Cf", "Lm", "Nl", "No", "Cs", "Zs"]))


@given(marked_letters() | st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz '0")))
@settings(deadline=None)  # node starts with the first one
def test_tokens_and_words_are_those_of_python(both: tuple[OnnxNLU, Decoder], text: str) -> None:
    onnx, decoder = both
    found, wanted = decoder("read", text=text), onnx._read(text)
    assert found["ids"] == wanted.tokens
    assert found["words"] == {
        "starts": wanted.words.starts, "ends": wanted.words.ends, "firstTokens": wanted.words.first_tokens
    }  # fmt: skip


def test_every_character_is_read_as_by_python(both: tuple[OnnxNLU, Decoder]) -> None:
    onnx, decoder = both
    for start in range(0, 0x110000, 0x400):
        codes = [code for code in range(start, start + 0x400) if not 0xD800 <= code < 0xE000]
        # With its neighbours, and apart.
        for text in ("".join(map(chr, codes[:200])), " ".join(f"a{chr(code)}1{chr(code)}" for code in codes[:60])):
            found, wanted = decoder("read", text=text), onnx._read(text)
            assert found["ids"] == wanted.tokens, hex(start)
            assert (found["words"]["starts"], found["words"]["ends"]) == (wanted.words.starts, wanted.words.ends), hex(start)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 90, 3000]), st.sampled_from([1, 400]), st.sampled_from([LinearChainCRF, FactoredCRF]))  # fmt: skip
@settings(deadline=None)
def test_tags_and_their_scores_are_those_of_numpy(
    both: tuple[OnnxNLU, Decoder], seed: int, of_words: float, of_steps: float, kind: type[ChainCRF]
) -> None:
    torch.manual_seed(seed)
    crf = kind(3).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=of_steps)
    emissions = (of_words * torch.randn(1, int(torch.randint(1, 7, ())), 7)).numpy()
    arrays = {name: part.detach().numpy() for name, part in crf.arrays().items()}
    field, counts = make_field(arrays), np.array([emissions.shape[1]])
    tags = field.decode(emissions, counts)
    found = both[1](
        "decode",
        arrays={name: np.where(np.isinf(part), None, part).ravel().tolist() for name, part in arrays.items()},
        emissions=emissions[0].tolist(),
    )
    assert found["tags"] == tags[0].tolist()
    if tags.any():
        assert found["scores"] == pytest.approx(field.certainty(emissions, counts, tags)[0].tolist(), abs=1e-6)


@given(st.data())
@settings(deadline=None)
def test_matches_in_catalogs_are_those_of_python(both: tuple[OnnxNLU, Decoder], data: st.DataObject) -> None:
    value = st.lists(st.sampled_from([3, 4, 5, 60_000]), min_size=1, max_size=3)
    catalogs = data.draw(st.lists(st.lists(value, max_size=6), min_size=1, max_size=3))
    tokens = data.draw(st.lists(st.sampled_from([3, 4, 5, 60_000]), max_size=12))
    firsts = [place for place in range(len(tokens)) if place == 0 or data.draw(st.booleans())]
    keys = [sorted({token_key(ids) for ids in values}) for values in catalogs]
    held = CatalogDict.from_keys(keys)
    wanted = find_matches(held, len(keys), tokens, [place in firsts for place in range(len(tokens))], held.longest)
    found = both[1]("find", keys=keys, tokens=tokens, firstTokens=firsts)
    assert [(match["start"], match["end"], match["catalog"]) for match in found] == [tuple(match) for match in wanted]


@pytest.mark.parametrize(
    ("options", "in_python"),
    [
        ({}, {}),
        ({"topK": 3, "rejectThreshold": 1}, {"top_k": 3, "reject_threshold": 1}),
        ({"topK": 99, "rejectThreshold": 0.2}, {"top_k": 99, "reject_threshold": 0.2}),
        ({"useGazetteers": False}, {"use_gazetteers": False}),
    ],
)
def test_answers_are_those_of_python(
    both: tuple[OnnxNLU, Decoder], coffee: Skill, options: dict[str, Any], in_python: dict[str, Any]
) -> None:
    onnx, decoder = both
    texts = changed_texts(coffee, 120)
    answers = [without_utf16(as_page(onnx, decoder, text, options)) for text in texts]
    for answer, wanted in zip(answers, onnx(texts, resolve=False, **in_python), strict=True):
        assert close(answer, wanted), (answer, wanted)
    assert len({answer["intent"]["label"] for answer in answers}) > 2 and sum(len(answer["slots"]) for answer in answers) > 50


@pytest.mark.parametrize("skill", ["travel", "bank", "tables"])
def test_skills_that_lack_something(nlu: NLUPipeline, runtime: Path, tmp_path: Path, skill: str) -> None:
    for onnx, decoder in decoder_of(nlu, skill, runtime, tmp_path / skill):
        for text in ("to paris on monday", "🙂 pay now", " ", ""):
            assert close(without_utf16(as_page(onnx, decoder, text, {"topK": 2})), onnx(text, resolve=False, top_k=2))


def test_a_long_text_is_cut_as_by_python(both: tuple[OnnxNLU, Decoder]) -> None:
    onnx, decoder = both
    found, wanted = decoder("read", text="brew " * 600), onnx._read("brew " * 600)
    assert found["ids"] == wanted.tokens and found["words"]["ends"][-1] == 2559


def test_what_a_page_may_be_asked(both: tuple[OnnxNLU, Decoder]) -> None:
    for wrong, said in (
        ({"text": 3, "options": {}}, "TypeError: found number; give a text"),
        ({"text": "brew", "options": {"topK": 0}}, "RangeError: topK is 0"),
        ({"text": "brew", "options": {"rejectThreshold": 2}}, "RangeError: rejectThreshold is 2"),
    ):
        assert both[1]("answer", scores={}, **wrong)["error"].startswith(said)


def test_rounded_weights_answer_alike_whatever_the_batch(nlu: NLUPipeline, tmp_path: Path, coffee: Skill) -> None:
    whole, rounded = export(nlu, tmp_path / "whole", "coffee_machine"), tmp_path / "rounded"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("headstart.exporting.LEAST_ROUNDED", 1)
        export(nlu, rounded, "coffee_machine", int8=True, rounds_inputs=False)
    sizes = [(folder / "model.onnx").stat().st_size for folder in (whole, rounded)]
    assert sizes[1] < sizes[0]
    texts = coffee.train["text"][:60]
    nlus = [OnnxNLU(folder) for folder in (whole, rounded)]
    assert close(nlus[1](texts, batch_size=60), nlus[1](texts), 1e-5)
    labels = [[answer["intent"]["label"] for answer in found(texts)] for found in nlus]
    assert sum(first == second for first, second in zip(*labels, strict=True)) >= 55


def test_the_command_writes_a_page_that_python_reads_too(
    tiny_base: Path, runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bank"
    assert main(["export", str(tiny_base), "--skill", "bank", "--web", "--runtime", str(runtime), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert {"index.html", "page.js", "worker.js", "characters.json", "headstart.json", "model.onnx"} <= {
        path.name for path in out.iterdir()
    }
    assert sorted(path.name for path in (out / "ort").iterdir()) == [
        "README.md", "ort-wasm-simd-threaded.js", "ort-wasm-simd-threaded.wasm", "ort.wasm.min.js", "package.json"
    ]  # fmt: skip
    assert main(["predict", str(out), "pay now"]) == 0
    pages = "".join(
        path.read_text(encoding="utf-8") for pattern in ("*.html", "*.js", "*.css", "nlu/*.js") for path in out.glob(pattern)
    )
    assert "http://" not in pages and "https://" not in pages  # nothing is loaded from elsewhere
    listed = set(json.loads(pages.split("const FILES = ")[1].split("[", 2)[2].split("]")[0].join("[]")))
    assert {path.stem for path in (out / "nlu").iterdir()} == listed  # the worker keeps all of the decoder
    assert main(["export", str(tiny_base), "--skill", "bank", "--float32", "--out", str(tmp_path / "x")]) == 2
    assert "add --web" in capsys.readouterr().err


def test_what_is_no_runtime(tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="lacks dist/ort.wasm.min.mjs"), runtime_files(tmp_path):
        pass
    with pytest.raises(ValueError, match="is not there; give the folder or the archive"), runtime_files(tmp_path / "none.tgz"):
        pass
    (tmp_path / "text.tgz").write_text("no archive")
    with pytest.raises(ValueError, match="is no archive of onnxruntime-web"), runtime_files(tmp_path / "text.tgz"):
        pass
    with tarfile.open(tmp_path / "own.tgz", "w:gz") as archive:
        archive.add(runtime, "package")
    with runtime_files(tmp_path / "own.tgz") as files:
        assert sorted(files) == sorted(Path(file).name for file in FILES)
    (runtime_copy := tmp_path / "other").mkdir()
    shutil.copytree(runtime, runtime_copy, dirs_exist_ok=True)
    (runtime_copy / "package.json").write_text('{"name": "left-pad"}')
    with pytest.raises(ValueError, match="holds the package 'left-pad'"), runtime_files(runtime_copy):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match="npm is missing: install Node.js"), runtime_files():
        pass
    (tmp_path / "npm").write_text('#!/bin/sh\n: >"$6/some.tgz"\n')
    (tmp_path / "npm").chmod(0o755)
    with pytest.raises(ValueError, match="its SHA-512 is another"), runtime_files():
        pass
    (tmp_path / "npm").write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    with pytest.raises(ImportError, match=r"npm can't fetch onnxruntime-web@.* \(no network\)"), runtime_files():
        pass


def test_another_tokenizer_is_refused(nlu: NLUPipeline) -> None:
    tokenizer = Tokenizer.from_str(nlu.tokenizer.backend_tokenizer.to_str())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(UnsupportedTokenizer, match="has another pre_tokenizer"):
        make_table(tokenizer)
    tokenizer = Tokenizer.from_str(nlu.tokenizer.backend_tokenizer.to_str())
    tokenizer.add_tokens(["latte macchiato"])
    with pytest.raises(UnsupportedTokenizer, match="added to a tokenizer later: latte macchiato"):
        make_table(tokenizer)


# ---- in Chromium

ASK = """
const [texts, done] = arguments;
(async () => {
  const found = [];
  for (const text of texts) {
    const started = performance.now();
    const answer = await window.nlu.answer(text, { topK: 3 });
    found.push([answer, performance.now() - started]);
  }
  return found;
})().then(done, (error) => done(String(error)));
"""
WAIT = """
const done = arguments[0];
const timer = setInterval(() => {
  if (window.nlu || document.querySelector(".error")) { clearInterval(timer); done(document.querySelector(".error")?.textContent); }
}, 20);
"""
WORKER = "const done = arguments[0]; navigator.serviceWorker.ready.then(() => done(true));"


def offline(browser: Any, is_off: bool) -> None:
    """Switch the network of a page off, and of the worker that keeps its files."""
    conditions = {"offline": is_off, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def requested(browser: Any) -> Sequence[str]:
    """The addresses that a page asked for since the last look."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]


@pytest.mark.slow
def test_a_page_in_chromium_answers_as_python_does_without_a_network(root: Path, tmp_path: Path) -> None:
    """200 texts of three skills; what it took is printed (-s)."""
    for name in SKILLS:
        nlu = finetune(load_skill(root / "examples" / name), tmp_path / name, max_steps=100, disable_tqdm=True)
        export_web(nlu, tmp_path / "pages" / "below" / name)
    num_texts = 0
    with serve(tmp_path / "pages") as url, open_browser(tmp_path / "profile") as browser:
        for name in SKILLS:
            folder = tmp_path / "pages" / "below" / name
            browser.get(f"{url}below/{name}/")
            assert browser.execute_async_script(WAIT) is None
            assert browser.execute_async_script(WORKER)
            offline(browser, True)
            browser.refresh()  # from what the worker kept
            assert browser.execute_async_script(WAIT) is None
            texts = changed_texts(load_skill(root / "examples" / name), 67)
            found = browser.execute_async_script(ASK, texts)
            offline(browser, False)
            assert not isinstance(found, str), found
            onnx, times = OnnxNLU(folder), []
            for text, (answer, _) in zip(texts, found, strict=True):
                started = time.perf_counter()
                wanted = onnx(text, top_k=3, resolve=False)
                times.append(1000 * (time.perf_counter() - started))
                assert close(without_utf16(answer), wanted, 1e-3), (answer, wanted)
            num_texts += len(texts)
            assert (
                len({answer["intent"]["label"] for answer, _ in found}) > 3
                and sum(len(answer["slots"]) for answer, _ in found) > 30
            )
            in_browser = statistics.median(milliseconds for _, milliseconds in found)
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            print(f"{name}: {in_browser:.1f} ms in Chromium, {statistics.median(times):.1f} in Python, {size / 1e6:.1f} MB")
        hosts = {urlsplit(address).netloc for address in requested(browser) if address.startswith(("http", "ws"))}
        assert hosts == {urlsplit(url).netloc}
        shown = [browser.find_element("id", "text"), browser.find_element("id", "ask")]
        shown[0].send_keys("should i water the orchid today")
        shown[1].click()
        browser.execute_async_script("const done = arguments[0]; window.nlu.answer('').then(() => setTimeout(done, 50))")
        marks = [(mark.text, mark.get_attribute("data-label")) for mark in browser.find_elements("css selector", "mark")]
        assert ("orchid", "plant") in marks
        assert browser.find_element("id", "latency").text.endswith("ms in this browser")
        assert not [
            entry
            for entry in browser.get_log("browser")
            if entry["level"] == "SEVERE" and "Failed to fetch" not in entry["message"]
        ]
    assert num_texts >= 200
