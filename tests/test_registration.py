"""transformers knows Headstart, whichever is imported first and however. Each case needs a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

USE = """
nlu = transformers.pipeline("joint-nlu", model=sys.argv[1], skill="travel")
print(nlu("to paris")["skill"], type(transformers.AutoModel.from_pretrained(sys.argv[1])).__module__)
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import headstart; import transformers",
        "import transformers; import headstart",
        "from headstart.modeling.configuration_headstart import HeadstartConfig; import transformers",
        "import headstart.onnx; import importlib; importlib.reload(headstart); import transformers",
    ],
)
def test_the_order_of_imports_does_not_matter(imports: str, tiny_base: Path, zygote: Any) -> None:
    done = zygote.run(f"import sys; {imports}\n{USE}", tiny_base)
    assert done.stdout.split() == ["travel", "headstart.modeling.modeling_headstart"], done.stderr


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_two_threads_may_import_at_once(seconds: float, tiny_base: Path, zygote: Any) -> None:
    """The other thread begins once transformers has put its lazy module in place: before, it fails without Headstart too.

    `from transformers import PreTrainedModel`, in a thread that begins before that, gets the module that is replaced.
    """
    code = (
        "import sys, threading, time, headstart\n"
        "def other():\n"
        "    while type(sys.modules.get('transformers')).__name__ != '_LazyModule': time.sleep(.001)\n"
        f"    time.sleep({seconds}); from headstart import HeadstartForJointNLU\n"
        "thread = threading.Thread(target=other); thread.start(); import transformers; thread.join()"
    )
    done = zygote.run(f"{code}\n{USE}", tiny_base)
    assert done.stdout.split() == ["travel", "headstart.modeling.modeling_headstart"] and "Traceback" not in done.stderr, (
        done.stderr
    )


def test_transformers_without_torch() -> None:
    """Who has transformers for its tokenizers alone can run exported skills."""
    code = (
        "import sys; from importlib.util import find_spec as find; import importlib.util\n"
        "sys.modules['torch'] = None\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        "import headstart.onnx, transformers; print(sorted(name for name in sys.modules if 'modeling_headstart' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_every_public_name_has_a_home() -> None:
    import headstart

    assert sorted({*headstart._HOMES, "__version__"}) == sorted(headstart.__all__)
    assert all(getattr(headstart, name) is not None for name in headstart.__all__)


def test_what_a_module_lacks_is_an_attribute_error() -> None:
    import headstart
    import headstart.modeling
    import headstart.tokenization

    for module in (headstart, headstart.modeling, headstart.tokenization):
        with pytest.raises(AttributeError, match="nonsense"):
            module.nonsense  # noqa: B018
        assert set(module.__all__) <= set(dir(module))
