"""Fields of JSON and YAML content, whose types nobody has checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import yaml

from headstart.data.rows import DataError
from headstart.readers.source import SourceFile
from headstart.tokenization.answers_headstart import SURROGATES

Fields: TypeAlias = Mapping[str, Any]  # an object of a stranger's file, whose fields may hold anything


def text_of(value: Any) -> str | None:
    """The value if it is a string that is not blank and holds Unicode characters only; otherwise None."""
    if not isinstance(value, str) or not value.strip():
        return None
    return None if SURROGATES.search(value) else value


def list_of(value: Any) -> list[Any]:
    """The value if it is a list; otherwise an empty one."""
    return value if isinstance(value, list) else []


def dict_of(value: Any) -> Fields:
    """The value if it is an object; otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[Fields]:
    """What of a list is an object; nothing if the value is no list."""
    return [item for item in list_of(value) if isinstance(item, dict)]


def strings_of(value: Any) -> list[str]:
    """What of a list is text, as [`text_of`] has it; nothing if the value is no list."""
    return [item for item in list_of(value) if text_of(item) is not None]


def yaml_strings(file: SourceFile) -> list[Any]:
    """The documents of a YAML file with every scalar as it is written: YAML makes a truth value of a name such as `no`.

    Raises:
        DataError: it is not YAML, is nested too deeply, has too many aliases, or a list or object that holds itself.
    """
    _ = file.yaml  # for its checks
    try:
        return list(yaml.load_all(file.text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "nested too deeply"
        raise DataError(f"{file.where}: not plain YAML ({problem}); correct it there.") from error


__all__ = ["Fields", "dict_of", "list_of", "objects_of", "strings_of", "text_of", "yaml_strings"]
