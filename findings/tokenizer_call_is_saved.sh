#!/bin/sh
# A call of a fast tokenizer changes what it saves: tokenizer.json then cuts and pads every text, in whatever reads it next.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3, Python 3.11.
# Behaviour: `tokenizer(text, truncation=True, max_length=4, padding="max_length")` sets truncation and padding in the Rust tokenizer and leaves them there.
# `save_pretrained` writes them into tokenizer.json, although they were arguments of one call. transformers itself sets them anew at each call, and so never
# notices; `tokenizers.Tokenizer.from_file`, which is what servers, browsers and ONNX runtimes read the file with, cuts every text after 4 tokens, without a
# word. The same state is shared by threads that use the tokenizer at the same time.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "transformers==5.24.0" "tokenizers==0.23.3"
"$place/venv/bin/python" - "$place" <<'PYTHON' 2>/dev/null | tee "$place/output"
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

folder = sys.argv[1]
words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "wake", "me", "up", "at", "half", "past", "seven"])}
rust = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
rust.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=rust, pad_token="[PAD]", unk_token="[UNK]")
text = "wake me up at half past seven"


def read_again():
    tokenizer.save_pretrained(folder)
    return len(Tokenizer.from_file(f"{folder}/tokenizer.json").encode(text).ids)


print("tokens of 7 words, from the saved file:", read_again())
tokenizer(text, truncation=True, max_length=4, padding="max_length")
print("after one call with truncation:", read_again())
print("transformers itself:", len(tokenizer(text)["input_ids"]))
PYTHON
cat > "$place/expected" <<'TEXT'
tokens of 7 words, from the saved file: 7
after one call with truncation: 4
transformers itself: 7
TEXT
cmp "$place/expected" "$place/output"
