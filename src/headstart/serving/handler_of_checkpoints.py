"""Answers on Hugging Face's Inference Endpoints, from the checkpoint that lies beside this file, with its own code.

`{"inputs": "a large latte"}`, or a list of texts; options of the pipeline, such as `top_k`, as `"parameters"`.
"""

from __future__ import annotations

from typing import Any

from transformers import pipeline

BATCH_SIZE = 64


class EndpointHandler:
    """What an endpoint calls.

    Args:
        path: folder of the repository.
    """

    def __init__(self, path: str = "") -> None:
        load: Any = pipeline
        self.nlu = load("joint-nlu", model=path, trust_remote_code=True)

    def __call__(self, data: dict[str, Any]) -> Any:
        """The answer to a text, or the answers to several.

        Raises:
            ValueError: there are no inputs, or an option is not as it must be.
        """
        if "inputs" not in data:
            raise ValueError('no "inputs": give a text, or a list of texts.')
        inputs = data["inputs"]
        further = {} if isinstance(inputs, str) else {"batch_size": BATCH_SIZE}
        return self.nlu(inputs, **{**further, **(data.get("parameters") or {})})


__all__ = ["EndpointHandler"]
