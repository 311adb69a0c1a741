#!/usr/bin/env bash
# Build the wheel, install it in an environment of its own outside the tree, and do the main job there.
set -euo pipefail
python=$(realpath -s "${PYTHON:-python3}")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 HF_HOME="$work/huggingface"

# From a copy: setuptools would leave build/ in the tree, and put what lies in an old one into the wheel.
mkdir "$work/source"
git -C "$root" ls-files -z | tar -C "$root" --null -T - -cf - | tar -C "$work/source" -xf -
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work" "$work/source"
"$python" -m zipfile -l "$work"/headstart-*.whl | awk 'NR > 1 {print $1}' >"$work/names"
cat "$work/names"
# Code of the packages that pyproject.toml names, and the files besides that it names.
packages=$(sed -n '/^packages = \[/,/^\]/s/^ *"\(.*\)",$/\1/p' "$root/pyproject.toml" | tr . / | paste -sd'|')
if grep -vE "^($packages)/[a-z0-9_]+\.py$" "$work/names" |
    grep -vE '^headstart/(py\.typed|data/out_of_scope\.en\.txt|model_cards/(own_base_)?template\.md|checkpoints/headstart-base-en/[A-Za-z_.]+|(demo|web)/static/(nlu/)?[a-z]+\.(css|html|js))$' |
    grep -vE '^headstart-[0-9.]+\.dist-info/'; then
    echo "the wheel holds files that are not its own" >&2
    exit 1
fi

# The dependencies are those of the calling environment; headstart itself comes from the wheel alone.
"$python" -m venv --system-site-packages "$work/venv"
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$work/venv/bin/python" -m pip install --quiet --no-deps --force-reinstall --no-index "$work"/headstart-*.whl
own=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import sys; sys.path.append('$site')" >"$own/dependencies.pth"

cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import headstart
assert headstart.__file__.startswith(__import__("sys").prefix), headstart.__file__
PYTHON
cp -r "$root/examples/coffee_machine" skill
"$work/venv/bin/headstart" finetune --skill skill --output_dir out --max_steps 60 --disable_tqdm true
"$work/venv/bin/headstart" predict out "brew a large latte" "stop the coffee"
"$work/venv/bin/headstart" evaluate out --data skill/test.jsonl
"$work/venv/bin/headstart" predict headstart-base-en --skill massive "wake me up at seven"
"$work/venv/bin/headstart" finetune --skill skill --output_dir heads/coffee_machine --tune head --max_steps 20 --disable_tqdm true
"$work/venv/bin/headstart" predict heads "brew a large latte"

# An exported skill answers where there is neither torch nor transformers.
"$work/venv/bin/headstart" export out --out exported
"$python" -m venv "$work/bare"
"$work/bare/bin/python" -m pip install --quiet onnxruntime numpy tokenizers
"$work/bare/bin/python" -m pip install --quiet --no-deps --no-index "$work"/headstart-*.whl
"$work/bare/bin/python" - <<'PYTHON'
from importlib.util import find_spec

from headstart.onnx import OnnxNLU

assert find_spec("torch") is None and find_spec("transformers") is None
answer = OnnxNLU("exported")("brew a large latte")
print(answer)
assert answer["intent"]["label"] == "BrewCoffee", answer
assert find_spec("rapidfuzz") is None and not any("resolution" in slot for slot in answer["slots"]), answer
PYTHON
