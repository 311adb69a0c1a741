"""transformers knows Headstart, whichever is imported first and however. Each case needs a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
        "import headstart.onnx; import transformers",
    ],
)
def test_the_order_of_imports_does_not_matter(imports: str, tiny_base: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}\n{USE}", str(tiny_base)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["travel", "headstart.modeling.modeling_headstart"], done.stderr


def test_what_a_module_lacks_is_an_attribute_error() -> None:
    import headstart
    import headstart.modeling
    import headstart.tokenization

    for module in (headstart, headstart.modeling, headstart.tokenization):
        with pytest.raises(AttributeError, match="nonsense"):
            module.nonsense  # noqa: B018
    assert {"finetune", "BASE_EN", "export"} <= set(dir(headstart))
