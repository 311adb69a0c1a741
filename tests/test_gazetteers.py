"""Catalog matches: what matches, what they change, and that they survive saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timing import seconds
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill
from headstart.loading import load_pipeline
from headstart.modeling.catalog_headstart import CatalogDict, CatalogMatch, find_matches, token_key
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.gazetteer_headstart import Gazetteer, catalog_tensors, gazetteer_size


def make_gazetteer(catalogs: dict[str, list[list[int]]], dropout: float = 0.0) -> Gazetteer:
    tensors = catalog_tensors(catalogs)
    size = gazetteer_size(catalogs, tensors)
    gazetteer = Gazetteer(size, vocab_size=30_000, input_size=4, num_tags=3, num_intents=2, dropout=dropout)
    gazetteer.fill(tensors)
    return gazetteer


def find_values(text: str, catalogs: dict[str, list[str]], tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, str]]:
    """(catalog, matched text) of every match in a text."""
    gazetteer = make_gazetteer(tokenize_catalogs(catalogs, tokenizer))
    encoding = tokenizer(text, return_offsets_mapping=True)
    tokens, offsets, words = encoding["input_ids"], encoding["offset_mapping"], encoding.word_ids()
    starts = [number == 0 or words[number] != words[number - 1] for number in range(len(tokens))]
    return [
        (list(catalogs)[match.catalog], text[offsets[match.start][0] : offsets[match.end - 1][1]])
        for match in gazetteer.match(tokens, starts)
    ]


def test_longest_match_wins_within_a_catalog(tokenizer: PreTrainedTokenizerBase) -> None:
    catalogs = {"drink": ["latte", "latte macchiato"], "word": ["macchiato"]}
    found = find_values("a latte macchiato and a latte", catalogs, tokenizer)
    assert found == [("drink", "latte macchiato"), ("word", "macchiato"), ("drink", "latte")]


def test_case_and_accents_do_not_count(tokenizer: PreTrainedTokenizerBase) -> None:
    assert find_values("one CAFE au Lait", {"drink": ["café au lait"]}, tokenizer) == [("drink", "CAFE au Lait")]


def test_only_whole_words_match(tokenizer: PreTrainedTokenizerBase) -> None:
    assert find_values("smaller", {"size": ["small"]}, tokenizer) == []
    assert find_values("small", {"size": ["smaller"]}, tokenizer) == []
    assert find_values("small's", {"size": ["small"]}, tokenizer) == [("size", "small")]


def test_values_with_unknown_characters_are_no_features(
    tokenizer: PreTrainedTokenizerBase, caplog: pytest.LogCaptureFixture
) -> None:
    assert tokenize_catalogs({"a": ["\U0001f600", "small", "Small"], "b": []}, tokenizer) == {
        "a": [tokenizer("small")["input_ids"]],
        "b": [],
    }
    assert "1 of 3 catalog values" in caplog.text


sequences = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@given(st.lists(sequences, max_size=8), st.lists(sequences, max_size=8), st.lists(st.integers(1, 3), max_size=10), st.data())
def test_matches_are_those_of_a_plain_search(
    first: list[list[int]], second: list[list[int]], tokens: list[int], data: st.DataObject
) -> None:
    catalogs = {"first": first or [[9]], "second": second or [[9]]}
    starts = [number == 0 or data.draw(st.booleans()) for number in range(len(tokens))]
    expected = []
    for number, values in enumerate(catalogs.values()):
        start = 0
        while start < len(tokens):
            ends = [
                start + len(value)
                for value in values
                if tokens[start : start + len(value)] == value
                and (start + len(value) == len(tokens) or starts[start + len(value)])
            ]
            if starts[start] and ends:
                expected.append(CatalogMatch(start, max(ends), number))
            start = max(ends) if starts[start] and ends else start + 1
    gazetteer = make_gazetteer(catalogs)
    assert sorted(gazetteer.match(tokens, starts)) == sorted(expected)
    # What an exported skill looks them up in, without marisa-trie.
    catalog_dict = CatalogDict.from_keys(gazetteer.keys())
    assert sorted(find_matches(catalog_dict, len(catalogs), tokens, starts, catalog_dict.longest)) == sorted(expected)


@given(st.lists(st.integers(0, 0x10F000), min_size=1, max_size=5, unique=True))
def test_every_id_has_a_character_of_its_own(ids: list[int]) -> None:
    assert len(set(token_key(ids))) == len(ids)
    token_key(ids).encode()


def test_padding_is_no_part_of_a_value() -> None:
    gazetteer = make_gazetteer({"a": [[5, 6]], "b": [[5]]})
    features = gazetteer.find(torch.tensor([[5, 6, 0], [5, 0, 0]]), torch.tensor([[True, False, False], [True, False, False]]))
    assert features.tolist() == [
        [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]],
        [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    ]


def test_matches_are_hidden_at_random_in_training_only() -> None:
    gazetteer = make_gazetteer({"a": [[5]]}, dropout=0.5)
    torch.nn.init.ones_(gazetteer.slot_features.weight)
    matches = gazetteer.find(torch.full((200, 1), 5), torch.ones(200, 1, dtype=torch.bool))
    gazetteer.train()
    kept = gazetteer.inputs(gazetteer.hide(matches))[0][:, 0, 0].sum()
    assert 50 < kept < 150
    assert gazetteer.eval().hide(matches) is matches and gazetteer.inputs(matches)[0][:, 0, 0].sum() == 200


@given(st.data())
def test_no_numbers_in_a_file_bring_the_process_down(data: st.DataObject) -> None:
    """Whatever a stranger's checkpoint holds, it is refused or answers."""
    gazetteer = make_gazetteer({"a": [[5, 6], [7]], "b": [[5], [8, 9, 10]]})
    name = data.draw(st.sampled_from(["token_ids", "lengths", "counts"]))
    buffer = gazetteer.get_buffer(name)
    place = data.draw(st.integers(0, len(buffer) - 1))
    buffer[place] = data.draw(st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(0, 12)))
    try:
        assert all(match.end <= 6 for match in gazetteer.match([5, 6, 7, 8, 9, 10], [True] * 6))
    except ValueError as error:
        assert "its catalogs don't fit" in str(error)


def test_a_hundred_thousand_values_take_little_longer_than_a_hundred() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(1, 20_000, (100_000, 3), generator=generator).tolist()
    utterances = [[token for value in values[number : number + 4] for token in value] for number in range(0, 80, 4)]

    def match_all(values: list[list[int]]) -> float:
        gazetteer = make_gazetteer({str(number): values[number::20] for number in range(20)})
        assert len(gazetteer.match(utterances[0], [True] * 12)) == 4
        return seconds(lambda: [gazetteer.match(tokens, [True] * 12) for tokens in utterances * 20])

    assert match_all(values) < 4 * match_all(values[:100])


class Cafe:
    name = "cafe"
    intents = ["Order", "Stop"]  # noqa: RUF012
    slots = ["drink", "size"]  # noqa: RUF012


@pytest.fixture
def with_catalogs(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, coffee: Skill) -> HeadstartForJointNLU:
    catalogs = tokenize_catalogs({label: coffee.catalogs[label] for label in ("drink", "size")}, tokenizer)
    model.add_skill(Cafe(), reset="task_layers", catalogs=catalogs)
    return model.eval()


def ask(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: list[str], skill: str, **options: Any
) -> torch.Tensor:
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    outputs = model(batch["input_ids"], batch["attention_mask"], skill_ids=model.skill_ids([skill] * len(texts)), **options)
    assert outputs.slot_logits is not None
    return outputs.slot_logits


def test_matches_change_the_answer_and_can_be_switched_off(
    with_catalogs: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    with_match, without = ["a large latte"], ["stop the machine"]
    assert not torch.equal(
        ask(with_catalogs, tokenizer, with_match, "cafe"), ask(with_catalogs, tokenizer, with_match, "cafe", use_gazetteers=False)
    )
    assert torch.equal(
        ask(with_catalogs, tokenizer, without, "cafe"), ask(with_catalogs, tokenizer, without, "cafe", use_gazetteers=False)
    )


def test_a_row_does_not_depend_on_the_rows_beside_it(
    with_catalogs: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    texts = ["a large latte macchiato please", "small", "stop the coffee machine now"]
    together = ask(with_catalogs, tokenizer, texts, "cafe")
    for row, text in enumerate(texts):
        alone = ask(with_catalogs, tokenizer, [text], "cafe")
        torch.testing.assert_close(together[row, : alone.shape[1]], alone[0], rtol=1e-5, atol=1e-6)


def test_other_skills_do_not_notice(
    tiny_model: HeadstartForJointNLU, with_catalogs: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    texts = ["a large latte", "stop"]
    assert torch.equal(ask(tiny_model, tokenizer, texts, "tables"), ask(with_catalogs, tokenizer, texts, "tables"))


def test_gazetteers_survive_saving(
    with_catalogs: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    expected = ask(with_catalogs, tokenizer, ["a large latte"], "cafe")
    NLUPipeline(model=with_catalogs, tokenizer=tokenizer).save_pretrained(tmp_path)
    loaded = load_pipeline(tmp_path).model
    assert loaded.skill("cafe")["gazetteer"]["slots"] == ["drink", "size"]
    assert torch.equal(ask(loaded, tokenizer, ["a large latte"], "cafe"), expected)


def test_a_deleted_skill_takes_its_gazetteer_along(with_catalogs: HeadstartForJointNLU) -> None:
    with_catalogs.delete_skill("cafe")
    assert not [key for key in with_catalogs.state_dict() if "cafe" in key]
