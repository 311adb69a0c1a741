"""`headstart serve`: requests over HTTP, in batches, with limits and a key, and models that are loaded anew."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, export, load_skill
from headstart.cli import main
from headstart.data.skills import label_priors
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.folders_headstart import EXPORT, NETWORK
from headstart.onnx import OnnxNLU
from headstart.serving.app import make_app
from headstart.serving.options import ServeOptions
from headstart.serving.rasa import parse_message
from headstart.serving.schemas import ParseAnswer, RasaAnswer
from headstart.serving.service import Refused, Service

TEXTS = [
    "a large latte with oat milk",
    "brew",
    "make me two cups of strong coffee, please!",
    "is there any water",
    "x " * 200,
    "",
    "cancel it",
]
KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def exports(
    tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Two skills that can say that a text is none of theirs, exported; weights so large that answers differ."""
    torch.manual_seed(1)
    model = copy.deepcopy(tiny_model)
    for name in ("coffee_machine", "plant_care"):
        skill = load_skill(root / "examples" / name)
        catalogs = tokenize_catalogs(skill.catalogs, tokenizer)
        listed = {label: skill.listed(label) for label in skill.catalogs}
        model.add_skill(skill, catalogs=catalogs, listed=listed, rejects=True, label_priors=label_priors(skill.rows("train")))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    nlu = NLUPipeline(model=model.eval(), tokenizer=tokenizer)
    folder = tmp_path_factory.mktemp("exports")
    return {name: export(nlu, folder / name, name) for name in ("coffee_machine", "plant_care", "travel")}


@pytest.fixture
def folder(exports: dict[str, Path], tmp_path: Path) -> Path:
    """One of them, to be changed."""
    return Path(shutil.copytree(exports["coffee_machine"], tmp_path / "coffee"))


@pytest.fixture
def client(exports: dict[str, Path]) -> Iterator[TestClient]:
    with serving(exports["coffee_machine"]) as client:
        yield client


def serving(*models: Path, **options: Any) -> TestClient:
    service = Service(ServeOptions(tuple(map(str, models)), **{"reload_seconds": 0, **options}))
    return TestClient(make_app(service), raise_server_exceptions=False)


def without_scores(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: without_scores(value) for name, value in answer.items() if name not in ("score", "out_of_scope")}
    return list(map(without_scores, answer)) if isinstance(answer, list) else answer


def test_answers_are_those_of_the_exported_skill(client: TestClient, exports: dict[str, Path]) -> None:
    nlu = OnnxNLU(exports["coffee_machine"])
    assert client.post("/parse", json={"text": TEXTS[0]}).json() == nlu(TEXTS[0])
    answers = client.post("/parse", json={"text": TEXTS}).json()
    assert without_scores(answers) == without_scores(nlu(TEXTS))
    assert any(answer["slots"] for answer in answers)
    assert client.post("/parse", json={"text": []}).json() == []
    options = {"top_k": 2, "reject_threshold": 0.01, "resolve": False, "skill": "coffee_machine"}
    assert client.post("/parse", json={"text": TEXTS[0], **options}).json() == nlu(TEXTS[0], **options)
    for answer in answers:
        ParseAnswer.model_validate(answer)


def test_values_are_resolved_as_a_request_wants_it(client: TestClient) -> None:
    asked = {"text": TEXTS[0], "reject_threshold": 1}
    label = client.post("/parse", json=asked).json()["slots"][0]["label"]
    said = {**asked, "slot_types": {label: "AMAZON.DATE"}, "reference_time": "2026-11-18T10:30", "time_zone": "Europe/Berlin"}
    slots = client.post("/parse", json=said).json()["slots"]
    assert all("resolution" in slot for slot in slots if slot["label"] == label)
    refused = client.post("/parse", json={**said, "slot_types": {"nothing": "AMAZON.DATE"}})
    assert refused.status_code == 422 and "no slot label" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"text": 1}', "text: Input should be a valid string."),
        ('{"text": ["a", 1]}', "text"),
        ('{"text": "a"', "the body: Invalid JSON"),
        ("", "the body: Invalid JSON"),
        ('{"text": "a", "skil": "b"}', "there is no field 'skil'; allowed: text, skill,"),
        ('{"text": "a", "skill": "b"}', "there is no skill 'b'. Its skills: coffee_machine."),
        ('{"text": "a", "skill": "b", "skills": ["b"]}', "give one name as skill="),
        ('{"text": "a", "skills": []}', "skills is empty"),
        ('{"text": "a", "top_k": 0}', "top_k"),
        ('{"text": "a", "top_k": true}', "top_k"),
        ('{"text": "a", "reject_threshold": 2}', "reject_threshold"),
        ('{"text": "a", "reject_threshold": NaN}', "reject_threshold"),
        ('{"text": "a", "reference_time": "noon"}', "reference_time is 'noon'; it must be a time in ISO 8601"),
        ('{"text": "a", "time_zone": "Mars/Olympus"}', "time_zone is 'Mars/Olympus'"),
        ('{"text": "\\ud800"}', "the body: Invalid JSON"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(client: TestClient, body: str, said: str) -> None:
    found = client.post("/parse", content=body)
    assert found.status_code == 422 and said in found.json()["detail"], found.text
    assert len(found.text) < 300


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["text", "skill", "skills", "top_k", "resolve", "slot_types", "reference_time"]) | st.text(), inner), max_leaves=8)))  # fmt: skip
def test_no_body_is_too_much_for_it(exports: dict[str, Path], content: Any) -> None:
    if not _shared:
        _shared.append(serving(exports["coffee_machine"]).__enter__())
    body = content if isinstance(content, bytes) else json.dumps(content)
    for path in ("/parse", "/model/parse"):
        assert _shared[0].post(path, content=body).status_code in (200, 400, 422)


_shared: list[TestClient] = []


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _shared:
        _shared.pop().__exit__(None)


def test_texts_of_any_characters_come_back_with_their_offsets(client: TestClient) -> None:
    for text in ("Ünïcode 🙂 latte\u2028", "\0a\x7f latte", "a" * 4096, "\u202elatte", "\ufeffa latte"):
        answer = client.post("/parse", json={"text": text, "reject_threshold": 1}).json()
        assert answer["text"] == text
        assert all(text[slot["start"] : slot["end"]] == slot["value"] for slot in answer["slots"])


def test_limits(exports: dict[str, Path]) -> None:
    with serving(exports["coffee_machine"], max_chars=10, max_texts=2, max_body=200) as client:
        assert client.post("/parse", json={"text": "a" * 10}).status_code == 200
        for text, said in (("a" * 11, "a text of 11 characters; it may have 10."), (["a"] * 3, "3 texts; a request may have 2.")):
            found = client.post("/parse", json={"text": text})
            assert (found.status_code, found.json()["detail"]) == (422, said)
        found = client.post("/model/parse", json={"text": "a" * 11})
        assert (found.status_code, found.json()["message"]) == (422, "a text of 11 characters; it may have 10.")
        large = json.dumps({"text": "a", "skill": "b" * 300}).encode()
        for content in (large, (part for part in (large[:100], large[100:]))):  # the second one doesn't say how long it is
            found = client.post("/parse", content=content)
            assert (found.status_code, found.json()["detail"]) == (413, "the request has more than 200 bytes.")


def test_rasas_clients_get_rasas_answers(client: TestClient, exports: dict[str, Path]) -> None:
    expected = OnnxNLU(exports["coffee_machine"])(TEXTS, top_k=10)
    kinds = set()
    for text, answer in zip(TEXTS, expected, strict=True):
        found = client.post("/model/parse", content=json.dumps({"text": text, "message_id": "1"})).json()
        RasaAnswer.model_validate(found)
        ranking = [{"name": intent["label"], "confidence": intent["score"]} for intent in answer["intents"]]
        if answer["intent"]["label"]:
            assert found["intent"] == ranking[0] and found["intent_ranking"] == ranking
        elif text:
            assert (
                found["intent"] == found["intent_ranking"][0] == {"name": "nlu_fallback", "confidence": answer["intent"]["score"]}
            )
        else:
            assert found["intent"] == {"name": None, "confidence": 0.0}
        kinds.add(found["intent"]["name"])
        spans = [(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]]
        assert [(entity["entity"], entity["start"], entity["end"]) for entity in found["entities"]] == spans
    assert {None, "nlu_fallback"} < kinds
    assert client.get("/version").json()["minimum_compatible_version"] == "3.5.0"
    status = client.get("/status").json()
    assert status["model_file"] == "coffee_machine" and status["num_active_training_jobs"] == 0
    assert [skill["name"] for skill in status["skills"]] == ["coffee_machine"]
    assert client.post("/model/parse", content="{}").json()["status"] == "failure"
    assert client.post("/model/parse?emulation_mode=LUIS", json={"text": "a"}).status_code == 400


def test_an_entity_has_the_likeliest_reading_as_its_value() -> None:
    slots: list[Any] = [
        {
            "label": "milk",
            "start": 0,
            "end": 4,
            "value": "oats",
            "score": 0.5,
            "resolution": [{"value": "oat milk", "score": 0.9}],
        },
        {"label": "count", "start": 5, "end": 8, "value": "two", "score": 0.5, "resolution": [{"type": "number", "value": 2}]},
        {"label": "time", "start": 9, "end": 13, "value": "when", "score": 0.5, "resolution": []},
        {"label": "sugar", "start": 14, "end": 18, "value": "some", "score": 0.5},
    ]
    answer: Any = {
        "text": "oats two when some",
        "skill": "coffee",
        "intent": {"label": "Brew", "score": 0.9},
        "intents": [],
        "slots": slots,
    }
    entities = parse_message(answer)["entities"]
    assert [entity["value"] for entity in entities] == ["oat milk", 2, "when", "some"]
    assert [entity.get("additional_info") for entity in entities] == [*(slot["resolution"] for slot in slots[:2]), None, None]


def test_a_key(exports: dict[str, Path]) -> None:
    with serving(exports["coffee_machine"], api_key=KEY, host="0.0.0.0") as client:
        asked = {"json": {"text": "brew"}}
        for wrong in ({}, {"headers": {"x-api-key": KEY[:-1]}}, {"headers": {"authorization": KEY}}, {"params": {"token": "a"}}):
            assert client.post("/parse", **asked, **wrong).status_code == 401
        for right in (
            {"headers": {"x-api-key": KEY}},
            {"headers": {"authorization": f"Bearer {KEY}"}},
            {"headers": {"authorization": f"bearer {KEY}"}},
            {"params": {"token": KEY}},
        ):
            assert client.post("/parse", **asked, **right).status_code == 200
        closed = {path: client.get(path).status_code for path in ("/status", "/metrics", "/nothing", "//health")}
        assert set(closed.values()) == {401}, closed
        for path in ("/health", "/ready", "/version", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200
        schema = client.get("/openapi.json").json()
        assert schema["paths"]["/parse"]["post"]["security"] and "security" not in schema["paths"]["/health"]["get"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "0.0.0.0"}, "'0.0.0.0' can be reached from other machines: set HEADSTART_API_KEY"),
        ({"host": "example.org"}, "can be reached from other machines"),
        ({"host": "::", "api_key": "short"}, "the key must have at least 16"),
        ({"port": 70000}, "port is 70000"),
        ({"max_batch": 0}, "max_batch is 0"),
        ({"reload_seconds": float("nan")}, "reload_seconds is nan"),
        ({"wyoming": "http://127.0.0.1:10500"}, "give tcp://127.0.0.1:10500"),
        ({"wyoming": "tcp://127.0.0.1"}, "give tcp://127.0.0.1:10500"),
        ({"wyoming": "tcp://127.0.0.1:99999"}, "give tcp://127.0.0.1:10500"),
        ({"wyoming": "tcp://0.0.0.0:10500", "api_key": KEY}, "Wyoming knows no keys"),
    ],
)
def test_what_is_not_served(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        ServeOptions(("model",), **options)


def test_the_command_refuses_an_open_address(
    exports: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADSTART_API_KEY", raising=False)
    assert main(["serve", str(exports["travel"]), "--host", "0.0.0.0"]) == 2
    assert "0.0.0.0" in capsys.readouterr().err
    assert main(["serve", "no/such-model"]) == 2


def test_several_skills(exports: dict[str, Path]) -> None:
    with serving(exports["coffee_machine"], exports["plant_care"]) as client:
        alone = {name: OnnxNLU(exports[name]) for name in ("coffee_machine", "plant_care")}
        texts = [*TEXTS, "water the ferns", "how is the soil of my cactus", "who won the match", "make tea"]
        found = client.post("/parse", json={"text": texts}).json()
        for text, answer in zip(texts, found, strict=True):
            own = {name: nlu(text) for name, nlu in alone.items()}
            taken = {name: said["out_of_scope"] for name, said in own.items() if said["intent"]["label"]}
            skill = min(taken, key=lambda name: taken[name]) if taken else None
            assert answer["skill"] == skill
            assert without_scores(answer) == without_scores(own[skill]) if skill else not answer["slots"]
            if skill is None:
                assert answer["out_of_scope"] == pytest.approx(min(said["out_of_scope"] for said in own.values()), abs=1e-5)
        assert len({answer["skill"] for answer in found}) > 1
        named = client.post("/parse", json={"text": texts[0], "skill": "plant_care"}).json()
        assert named == alone["plant_care"](texts[0])
        assert client.post("/parse", json={"text": texts[0], "skills": ["plant_care"]}).json() == named
        status = client.get("/status").json()
        assert [skill["name"] for skill in status["skills"]] == ["coffee_machine", "plant_care"]
    with serving(exports["coffee_machine"], exports["travel"]) as client:  # the second one can't reject
        assert client.post("/parse", json={"text": TEXTS[0]}).json()["skill"] in (None, "coffee_machine")
        assert client.post("/parse", json={"text": TEXTS[0], "skill": "travel"}).json()["skill"] == "travel"
        refused = client.post("/parse", json={"text": TEXTS[0], "skills": ["travel", "coffee_machine"]})
        assert refused.status_code == 422 and "'travel' can't be found without its name" in refused.json()["detail"]
    with pytest.raises(ValueError, match="both have the skill 'travel'"):
        serving(exports["travel"], Path(shutil.copytree(exports["travel"], exports["travel"].parent / "again")))


def test_a_checkpoint_is_served_too(tiny_base: Path) -> None:
    nlu = load_pipeline(tiny_base)
    with serving(tiny_base) as client:
        refused = client.post("/parse", json={"text": "to paris"})
        assert refused.status_code == 422 and "give one as skill: travel, bank, tables" in refused.json()["detail"]
        answer = client.post("/parse", json={"text": "to paris", "skill": "travel", "top_k": 2}).json()
        assert answer == json.loads(json.dumps(nlu("to paris", skill="travel", top_k=2)))


def test_a_checkpoint_beside_an_exported_skill(
    exports: dict[str, Path], tiny_model: Any, tokenizer: Any, root: Path, tmp_path: Path
) -> None:
    """A whole checkpoint has no router: its skill is found by what it rejects, as that of an exported one."""
    torch.manual_seed(2)
    model = copy.deepcopy(tiny_model)
    model.add_skill(load_skill(root / "examples" / "museum_guide"), rejects=True, tokenizer=tokenizer)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    NLUPipeline(model=model.eval(), tokenizer=tokenizer).save_pretrained(tmp_path / "museum")
    with serving(exports["coffee_machine"], tmp_path / "museum") as client:
        answers = client.post("/parse", json={"text": [*TEXTS, "where is the tower", "show me something blue", "is it far"]})
        assert answers.status_code == 200
        assert {"coffee_machine", "museum_guide"} <= {answer["skill"] for answer in answers.json()}


def test_what_keeps_a_server_from_starting_is_an_error(exports: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", str(exports["travel"]), "--port", port]) == 2
        assert f"nothing can listen at 127.0.0.1:{port} (Address already in use)" in capsys.readouterr().err
        assert main(["serve", str(exports["travel"]), "--port", "0", "--wyoming", f"tcp://127.0.0.1:{port}"]) == 2
        assert "could not start" in capsys.readouterr().err


def in_loop(service: Service, ask: Callable[[], Any]) -> Any:
    async def run() -> Any:
        await service.start()
        try:
            return await ask()
        finally:
            await service.stop()

    return asyncio.run(run())


def test_requests_that_come_together_are_answered_together(exports: dict[str, Path]) -> None:
    service = Service(ServeOptions((str(exports["coffee_machine"]),), reload_seconds=0, max_batch=16))
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]

    async def ask() -> list[Any]:
        asked = [service.answer([text], top_k=1 + number % 2) for number, text in enumerate(texts)]
        return await asyncio.gather(*asked)

    found = in_loop(service, ask)
    nlu = OnnxNLU(exports["coffee_machine"])
    for number, (text, answers) in enumerate(zip(texts, found, strict=True)):
        assert without_scores(answers) == [without_scores(nlu(text, top_k=1 + number % 2))]
    page = service.metrics.page().decode()
    figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(figures["headstart_batch_texts_sum"]) == len(texts)
    assert float(figures["headstart_batch_texts_count"]) < len(texts) / 4
    assert float(figures['headstart_batch_texts_bucket{le="16.0"}']) == float(figures["headstart_batch_texts_count"])


def test_a_text_that_can_not_be_answered_fails_alone(
    exports: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = OnnxNLU._read

    def breaks(self: OnnxNLU, text: str) -> Any:
        if text == "break":
            raise RuntimeError("broken on purpose")
        return read(self, text)

    monkeypatch.setattr(OnnxNLU, "_read", breaks)
    service = Service(ServeOptions((str(exports["coffee_machine"]),), reload_seconds=0))

    async def ask() -> list[Any]:
        asked = [service.answer([text]) for text in ("brew", "break", "cancel it", "break", "a latte")]
        return await asyncio.gather(*asked, service.answer(["brew", "break", "brew"]), return_exceptions=True)

    found = in_loop(service, ask)
    assert [isinstance(answer, Refused) for answer in found] == [False, True, False, True, False, True]
    assert found[1].status == 500 and "broken on purpose" in caplog.text
    assert [answer[0]["text"] for answer in found if isinstance(answer, list)] == ["brew", "cancel it", "a latte"]


def test_more_than_may_wait_is_refused_and_what_waits_is_answered_at_the_end(exports: dict[str, Path]) -> None:
    service = Service(
        ServeOptions((str(exports["coffee_machine"]),), reload_seconds=0, max_batch=2, max_waiting=10, max_texts=10)
    )

    async def ask() -> list[Any]:
        asked = [asyncio.ensure_future(service.answer(["brew"] * 5)) for _ in range(4)]
        await asyncio.sleep(0)
        await service.stop()
        late = asyncio.ensure_future(service.answer(["brew"]))
        return await asyncio.gather(*asked, late, return_exceptions=True)

    found = in_loop(service, ask)
    answered = [len(answers) for answers in found if isinstance(answers, list)]
    assert len(answered) >= 2 and set(answered) == {5}
    assert [answer.status for answer in found if isinstance(answer, Refused)] == [503] * (5 - len(answered))
    assert isinstance(found[-1], Refused) and not service.is_ready


def test_a_changed_folder_is_loaded_anew_when_it_is_whole(
    folder: Path, exports: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(ServeOptions((str(folder),), reload_seconds=0))
    other, look = exports["plant_care"], service._reloader.look
    models = service.models
    look()
    assert service.models is models  # nothing has changed

    mark = (folder / EXPORT).read_bytes()
    (folder / EXPORT).unlink()  # as every writer of ours begins
    look()
    assert service.models is models
    (folder / NETWORK).write_bytes((other / NETWORK).read_bytes()[:1000])  # half copied
    (folder / EXPORT).write_bytes(mark)
    look()
    assert service.models is models and "is damaged" in caplog.text
    caplog.clear()
    look()
    assert not caplog.text  # it is said once
    for file in other.iterdir():
        shutil.copy(file, folder / file.name)
    look()
    assert list(service.models.entries) == ["plant_care"]
    assert service.models.identity != models.identity
    page = service.metrics.page().decode()
    assert 'headstart_reloads_total{succeeded="True"} 1.0' in page and 'headstart_reloads_total{succeeded="False"} 1.0' in page

    shutil.rmtree(folder)
    look()
    assert list(service.models.entries) == ["plant_care"]


def test_a_reload_drops_no_request(folder: Path, exports: dict[str, Path]) -> None:
    with serving(folder, reload_seconds=0.02) as client, ThreadPoolExecutor(4) as pool:
        skills: list[str] = []

        def ask(_: int) -> None:
            found = client.post("/parse", json={"text": "water the ferns", "reject_threshold": 1})
            assert found.status_code == 200, found.text
            skills.append(found.json()["skill"])

        for name in ("plant_care", "coffee_machine"):
            done = [pool.submit(ask, number) for number in range(40)]
            for file in exports[name].iterdir():
                shutil.copy(file, folder / file.name)
            for future in done:
                future.result()
            end = time.monotonic() + 10
            while skills[-1] != name and time.monotonic() < end:
                ask(0)
        assert skills[-1] == "coffee_machine" and set(skills) == {"coffee_machine", "plant_care"}


def test_a_request_is_answered_by_the_model_that_it_came_to(folder: Path, exports: dict[str, Path]) -> None:
    service = Service(ServeOptions((str(folder),), reload_seconds=0))
    for file in exports["plant_care"].iterdir():
        shutil.copy(file, folder / file.name)

    async def ask() -> Any:
        early = asyncio.ensure_future(service.answer(["brew"] * 50, skill="coffee_machine"))
        await asyncio.sleep(0)
        service._reloader.look()
        return [answer["skill"] for answer in await early], list(service.models.entries)

    assert in_loop(service, ask) == (["coffee_machine"] * 50, ["plant_care"])


def test_metrics_and_the_page_of_the_api(client: TestClient) -> None:
    client.post("/parse", json={"text": ["brew", ""]})
    client.get("/x" * 50)
    page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    for line in (
        'headstart_requests_total{path="/parse",status="200"} 1.0',
        'headstart_requests_total{path="other",status="404"} 1.0',
        "headstart_batch_texts_sum 2.0",
        "headstart_waiting_texts 0.0",
        'headstart_request_seconds_count{path="/parse"} 1.0',
    ):
        assert line in page.text
    schema = client.get("/openapi.json").json()
    assert {"/parse", "/model/parse", "/status", "/version", "/health", "/ready", "/metrics"} == set(schema["paths"])
    operation = schema["paths"]["/parse"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["examples"]
    assert {"200", "401", "413", "422", "503"} <= set(operation["responses"])
    assert client.get("/parse").status_code == 405


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_server_of_its_own_process_needs_no_torch_and_stops_when_it_is_told(exports: dict[str, Path]) -> None:
    port = free_port()
    code = (
        "import sys; from headstart.cli import main; code = main(sys.argv[1:]); "
        "found = [name for name in ('torch', 'transformers', 'datasets') if name in sys.modules]; print(code, found)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(exports["coffee_machine"]), "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        wait_for(port, server)
        body = json.dumps({"text": ["a large latte"] * 200, "reject_threshold": 1}).encode()

        def ask() -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/parse", body, timeout=60) as answer:
                return json.loads(answer.read())

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask) for _ in range(4)]
            while not any(future.running() for future in asked):
                time.sleep(0.01)
            time.sleep(0.3)
            server.send_signal(signal.SIGTERM)
            assert [len(future.result()) for future in asked] == [200] * 4
        output, log = server.communicate(timeout=30)
    finally:
        server.kill()
    assert (server.returncode, output) == (0, "0 []\n"), log
    assert f"coffee_machine at http://127.0.0.1:{port}" in log


def wait_for(port: int, server: subprocess.Popen[str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(server.communicate()[1] if server.poll() is not None else "it is not ready")
