"""Reads every model of folders of real interaction models, and picks each language of packages that are made of them.

python benchmarks/real_models.py FOLDER [FOLDER ...]

A package holds the models of one skill, in files named after their locales: files are taken for one skill's whose names share what stands between their language and their
locale, `de__SKILL_de-DE.json`. Exits with 1 if a model is not read, or if --language picks another one than it names.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from headstart import DataError, Skill, load_skill

NAME = re.compile(r"[a-z]{2}__(?P<skill>.+?)_(?P<locale>[a-z]{2}-[A-Z]{2})\.json")


def main() -> int:
    logging.disable(logging.WARNING)
    wrong = 0
    packages: dict[str, dict[str, Path]] = defaultdict(dict)
    paths = [path for folder in sys.argv[1:] for path in sorted(Path(folder).iterdir()) if path.suffix == ".json"]
    for path in paths:
        try:
            load_skill(path)
        except DataError as error:
            wrong += 1
            print(error)
        match = NAME.fullmatch(path.name)
        if match is not None:
            packages[match["skill"]][match["locale"]] = path
    print(f"{len(paths)} models, {wrong} not read")
    chosen = 0
    for name, models in packages.items():
        if len(models) > 1:
            with tempfile.TemporaryDirectory() as folder:
                for locale, path in models.items():
                    Path(folder, f"{locale}.json").write_bytes(path.read_bytes())
                for locale, path in models.items():
                    for language in (locale, locale.split("-")[0]):
                        is_right = texts(load_skill(folder, language=language)) == texts(load_skill(path))
                        chosen, wrong = chosen + is_right, wrong + (not is_right)
            print(f"{name}: {', '.join(models)}")
    print(f"{chosen} languages picked right, {wrong} wrong")
    return int(wrong > 0)


def texts(skill: Skill) -> list[str]:
    return [row["text"] for row in skill.rows("train")]


if __name__ == "__main__":
    sys.exit(main())
