"""The `.lu` files of Microsoft's Bot Framework: LUIS apps as text.

Read are intents (`# Name`), their utterances with `{Entity=value}`, `{@Entity=value}`, `{Entity:role=value}` and nested labels (the
outermost is kept), patterns with open `{Entity}` slots, `[optional]` parts and `(a|b)` groups, and the declarations of lists, prebuilt entities,
roles and children, in the form `@ list Name =` and in the older one, `$Name:value=`. A phrase list is a catalog only if an entity has its
name. Labels are as in `headstart.readers.luis`: a role makes `Entity:role`.

Not read are comments and settings (`>`), imports and links to other files (a warning says how many), question-and-answer sections
(`# ?`, counted), regular expressions and features. Of several languages in a folder, told by names such as `en-us`, one is read: see `--language`.
Files whose names say so, such as those below `tests`, become validation and test rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.readers.languages import language_filter
from headstart.readers.luis import Listed, Project
from headstart.readers.oddities import Where
from headstart.readers.parts import parts_in
from headstart.readers.source import Source, SourceFile

NAME = "luis_lu"
SUFFIXES: tuple[str, ...] = (".lu",)
LOCALE = re.compile(r"(?:^|[^A-Za-z])([a-z]{2}[-_][a-z]{2})(?=[^A-Za-z]|$)", re.IGNORECASE)
HAS_SECTION = re.compile(r"^[ \t]*(?:#+|@|\$)[ \t]*[^\s#@$]", re.MULTILINE)
BULLET = re.compile(r"[-*+]\s*(\S.*)")
LINK = re.compile(r"\[[^\[\]]+\](?:\([^|]+\)|\[[^\[\]]+\])$")
KINDS = ("ml", "list", "prebuilt", "regex", "composite", "phraselist", "patternany", "intent", "simple")
DECLARATION = re.compile(r"[@]\s*(.*)")
OLD_ROLES = re.compile(r"\broles\s*+=", re.IGNORECASE)
CLAUSE = re.compile(r"\b(hasRoles?|usesFeatures?|roles)\b|=|\(interchangeable\)", re.IGNORECASE)
NAME_LIST = re.compile(r"\s*(?:\w+\s+)?[^\s,]+\s*,")
WORD = re.compile(r"\"([^\"]+)\"|'([^']+)'|([^\s,\"']+)")


class _LuReader:
    """Reads lines, which mean what the heading or declaration above them says."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.samples: list[tuple[str, str, str]] = []  # part, intent and text, kept until all entities are known
        self.phrase_lists: dict[str, list[str]] = {}
        self.headings: list[tuple[int, str]] = []
        self.take: Callable[[str], None] = self._take_stray
        self.entity = ""
        self.kinds: dict[str, str] = {}

    def read(self, file: SourceFile) -> None:
        """Read one file."""
        self.take = self._take_stray
        self.project.file = file
        is_fenced = False
        for line in map(str.strip, file.text.split("\n")):
            if line.startswith("```"):
                is_fenced = not is_fenced
            elif line and not is_fenced and not line.startswith((">", "<!--")):
                self._read_line(line)

    def finish(self) -> None:
        """Make the samples, now that all entities and roles are known."""
        for name, values in self.phrase_lists.items():
            if name in self.project.entities:
                self.project.catalogs[name] += values
        sections = {name for (level, name), (lower, _) in zip(self.headings, self.headings[1:], strict=False) if lower > level}
        used = {intent for _, intent, _ in self.samples}
        self.project.intents += [name for _, name in self.headings if name in used or name not in sections]
        for part, intent, text in self.samples:
            self.project.part = part
            self.project.add_sample(intent, text, is_pattern=False)

    def _read_line(self, line: str) -> None:
        bullet = BULLET.match(line)
        if line.startswith("#"):
            self._read_heading(line)
        elif bullet is not None:
            self.take(bullet[1].strip())
        elif line.startswith("@"):
            self._declare(line)
        elif line.startswith("$"):
            self._declare_old(line)
        elif LINK.match(line):
            self.project.leave_out("imports of other files, which are not read", line)
        elif self.take != self._take_nothing:
            self.project.leave_out("lines that are neither heading, sample nor declaration", line)

    def _read_heading(self, line: str) -> None:
        level = len(line) - len(line.lstrip("#"))
        name = line.lstrip("#").strip()
        self.take = self._take_nothing
        if name.startswith("?"):
            self.project.leave_out("question-and-answer sections", name)
        elif name:
            self.headings.append((level, name))
            self.take = self._take_sample

    def _take_stray(self, text: str) -> None:
        self.project.leave_out("samples above the first intent", text)

    def _take_nothing(self, text: str) -> None:
        """For what stands below something that is not read."""

    def _take_sample(self, text: str) -> None:
        if LINK.match(text):
            self.project.leave_out("links to utterances of other files, which are not read", text)
        else:
            self.samples.append((self.project.part, self.headings[-1][1], text))

    def _take_value(self, text: str) -> None:
        value = text.rstrip(":").strip() if text.endswith(":") else text
        listed = self.project.lists[self.entity]
        if value and (text.endswith(":") or not listed):
            listed.append(Listed(value, [], True, Where(self.project.file)))
        elif value:
            listed[-1].synonyms.extend(form.strip() for form in re.split("[,;]", value) if form.strip())

    def _take_phrases(self, text: str) -> None:
        self.phrase_lists.setdefault(self.entity, []).extend(word.strip() for word in text.split(",") if word.strip())

    def _take_child(self, text: str) -> None:
        if text.startswith("@"):
            self._declare(text, is_child=True)

    def _declare(self, line: str, is_child: bool = False) -> None:
        """Read `@ kind name, name hasRoles role, role usesFeature feature =`; the kind may be missing, a child's may be an entity."""
        match = DECLARATION.match(line)
        text = match[1] if match else ""
        clause = CLAUSE.search(text)
        words = _words(text[: clause.start()] if clause else text)
        has_kind = bool(words) and (words[0].lower() in KINDS or (is_child and len(words) > 1))
        kind = words.pop(0) if has_kind else self.kinds.get(words[0], "") if words else ""
        if not words:
            self.project.leave_out("declarations without a name", line)
            self.take = self._take_nothing
            return
        is_list = NAME_LIST.match(text[: clause.start()] if clause else text) is not None
        names, roles = (words, []) if is_list else (words[:1], words[1:])  # roles may stand behind a name without a word for it
        for name in names:
            self._note(name, kind)
        for role in (*roles, *_roles(text)):
            self.project.roles.setdefault(role, words[0])
        if not is_child:
            self.entity = words[0]
            takers = {"list": self._take_value, "phraselist": self._take_phrases, "ml": self._take_child}
            self.take = takers.get(kind.lower(), self._take_nothing)

    def _note(self, name: str, kind: str) -> None:
        self.kinds[name] = kind
        if kind.lower() == "prebuilt":
            self.project.slot_types[name] = name
        elif kind and kind.lower() not in KINDS:  # a child that is an instance of another entity
            self.project.models.append((name, kind))
        if kind.lower() not in ("phraselist", "intent"):
            self.project.entities.add(name)

    def _declare_old(self, line: str) -> None:
        """Read `$Name:kind`, `$PREBUILT:name`, or `$Name:value=` with the synonyms of the value below."""
        self.take = self._take_nothing
        name, colon, declared = line.removeprefix("$").partition(":")
        self.entity = name.strip()
        if not colon or not self.entity:
            self.project.leave_out("declarations without a name", line)
            return
        clause = OLD_ROLES.search(declared)
        kind, roles = (declared[: clause.start()].strip(), declared[clause.end() :]) if clause else (declared.strip(), "")
        if self.entity.upper() == "PREBUILT":
            self.entity, kind = kind or self.entity, "prebuilt"
        if kind.endswith("="):
            self._note(self.entity, "list")
            self.take = self._take_value
            self._take_value(kind.rstrip("= ") + ":")
        elif kind.lower().startswith("phraselist"):
            self.take = self._take_phrases
        else:
            self._note(self.entity, kind.lower() if kind.lower() in KINDS else "simple")
        for role in _words(roles.strip(" []")):
            self.project.roles.setdefault(role, self.entity)


def _words(text: str) -> list[str]:
    """The names in a text, which commas or blanks part and quotes hold together."""
    return [next(filter(None, match.groups())) for match in WORD.finditer(text)]


def _roles(text: str) -> list[str]:
    """The roles that a declaration names."""
    clauses = list(CLAUSE.finditer(text))
    ends = [clause.start() for clause in clauses[1:]] + [len(text)]
    return [
        role
        for clause, end in zip(clauses, ends, strict=False)
        if clause[0].lower() in ("hasrole", "hasroles", "roles")
        for role in _words(text[clause.end() : end])
    ]


def detect(source: Source) -> bool:
    """Whether a file is called `.lu` and has an intent or an entity."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is no such file, or no sample in it.
    """
    files = source.given or _files(source)
    if not files:
        raise DataError(f"{source.path}: found no .lu file with an intent; allowed: '# Intent' with '- utterance' lines below.")
    files = _in_one_language(files, source)
    project = Project(str(source.path))
    reader = _LuReader(project)
    parts = parts_in(source, files, is_project=True)
    for file in files:
        project.part = parts[file.name]
        reader.read(file)
    reader.finish()
    return project.skill(name)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.find(".lu") if HAS_SECTION.search(file.text_or_none or "")]


def _in_one_language(files: list[SourceFile], source: Source) -> list[SourceFile]:
    languages = {file.name: language[1] for file in files if (language := LOCALE.search(file.name))}
    is_read = language_filter(Counter(languages.values()), source)
    return [file for file in files if is_read(languages.get(file.name, ""))]


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
