"""What a reader gets to look at: the files behind a path, decoded and parsed at most once."""

from __future__ import annotations

import json
import logging
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from json import JSONDecodeError
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from headstart.data.rows import DataError, counted_kind

logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 2**20  # of one file, and of all files of an archive or folder together
MAX_FILES = 5000
MAX_REPAIRED = 8 * 2**10  # characters of JSON damaged beyond commas, comments and its end; repairing them is not linear in time
MAX_DEPTH = 60  # of nested lists and objects; no skill comes near it
MAX_NODES = 300_000  # of a YAML file; they take seconds
MAX_COPIED = 20_000  # nodes of a YAML file that are aliases, written out: a few aliases of aliases make billions


class SourceFile:
    """One file: its name inside the source, its text, and its parsed content.

    Args:
        name: path relative to the source, with `/`.
        where: what an error message calls it.
        content: its bytes.
    """

    def __init__(self, name: str, where: str, content: bytes) -> None:
        self.name = name
        self.where = where
        self.content = content

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case, with its dot."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        """The name without folders and suffix."""
        return PurePosixPath(self.name).stem

    @cached_property
    def text(self) -> str:
        """The content as text: UTF-8, or UTF-16 with its byte order mark, line ends as `\\n`.

        Raises:
            DataError: it is neither, or holds a conflict of git's.
        """
        encoding = "utf-16" if self.content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            text = self.content.decode(encoding)
        except UnicodeDecodeError as error:
            line = self.content[: error.start].count(b"\n") + 1
            raise DataError(
                f"{self.where}, line {line}: not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} text; save the file as UTF-8."
            ) from error
        if "\x00" in text:
            raise DataError(f"{self.where}: found zero bytes; allowed: a text file in UTF-8.")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        conflict = _CONFLICT.search(text)
        if conflict is not None and len({match[0] for match in _CONFLICT.finditer(text)}) > 1:
            line = text.count("\n", 0, conflict.start()) + 1
            raise DataError(f"{self.where}, line {line}: a conflict of git's that was not resolved; choose one side.")
        return text

    @cached_property
    def json(self) -> Any:
        """The content as JSON; a damaged file is repaired as well as can be, with a warning. None if it is not JSON at all.

        Raises:
            DataError: it is nested too deeply, damaged and too large to repair, or has a field twice in an object.
        """
        if not _BEGINS_AS_JSON.match(self.text):
            return None
        check_depth(self.text, self.where)
        try:
            content = json.loads(self.text, object_pairs_hook=self._object)
        except DataError:
            raise
        except JSONDecodeError as error:
            content = self._repair(error)
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, for one
            raise DataError(f"{self.where}: not JSON that can be read ({error}); correct it there.") from error
        check_nesting(content, self.where)
        return self._without_surrogates(content)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of these fields, of which JSON would keep the last where there are several of one name."""
        fields = dict(pairs)
        if len(fields) < len(pairs):
            for name, value in pairs:
                if fields[name] != value:
                    raise DataError(
                        f"{self.where}: an object has the field {name!r} twice, of which only the last would be read."
                    )
        return fields

    @property
    def text_or_none(self) -> str | None:
        """The text; None if there is none to be read: of a folder's files, such a one may have nothing to do with the skill."""
        try:
            return self.text
        except DataError:
            return None

    @property
    def json_or_none(self) -> Any:
        """The content as JSON; None if there is none to be read: of a folder's files, such a one may have nothing to do with the skill."""
        try:
            return self.json
        except DataError:
            return None

    def _repair(self, error: JSONDecodeError) -> Any:
        where = f"{self.where}, line {error.lineno}"
        if self.suffix != ".json" and not _LOOKS_LIKE_JSON.match(self.text):
            return None
        try:
            content = mend_json(self.text, self._object)
        except DataError:
            raise
        except (ValueError, RecursionError):
            content = self._repair_thoroughly(error, where)
        if content not in ("", [], {}):
            logger.warning("%s: damaged JSON (%s) was repaired: check that nothing is lost behind that line", where, error.msg)
        return content or None

    def _repair_thoroughly(self, error: JSONDecodeError, where: str) -> Any:
        import json_repair  # seldom needed

        if len(self.text) > MAX_REPAIRED:
            raise DataError(f"{where}: not JSON ({error.msg}), and damaged too much to repair; correct it there.") from error
        try:
            return json_repair.loads(self.text, skip_json_loads=True)
        except (ValueError, RecursionError, IndexError, TypeError) as failure:
            raise DataError(f"{where}: not JSON ({error.msg}); correct it there.") from failure

    def _without_surrogates(self, content: Any) -> Any:
        """Halves of a surrogate pair, which JSON can escape but no file can hold, replaced by U+FFFD."""
        if not _SURROGATE.search(self.text):
            return content
        text = json.dumps(content, ensure_ascii=False)
        mended = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if mended == text:
            return content
        logger.warning("%s: halves of a surrogate pair were replaced by U+FFFD", self.where)
        return json.loads(mended)

    @cached_property
    def yaml(self) -> list[Any]:
        """The documents of a YAML file.

        Raises:
            DataError: it is not YAML, is nested too deeply, or has too many aliases.
        """
        check_depth(self.text, self.where)
        try:
            check_events(yaml.parse(self.text, Loader=_Loader), self.where)
            return list(yaml.load_all(self.text, Loader=_Loader))
        except DataError:
            raise
        # PyYAML lets the last ones through where a value does not fit its tag, as in `!!int x` and `!!timestamp x`.
        except (yaml.YAMLError, ValueError, RecursionError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or str(error).split("\n")[0]
            raise DataError(f"{self.where}{line}: not YAML ({problem}); correct it there.") from error


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMENT = r"//[^\n]*|/\*(?s:.*?\*/|.*)"
_BEGINS_AS_JSON = re.compile(rf"(?>\s|{_COMMENT})*+[\[{{]")
_LOOKS_LIKE_JSON = re.compile(r"""\s*(?:\{\s*(?:["'}/]|[A-Za-z_]\w*\s*:)|\[\s*["'{\[\]/]|/)""")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(rf'"(?:[^"\\\n]|\\.)*(?:"|\\$)?|{_COMMENT}|[\[\]{{}},:]|[^\s\[\]{{}},:"/]+|/')
_CLOSING = {"{": "}", "[": "]"}


def mend_json(text: str, as_object: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    """Read JSON with comments, with commas too many or too few, with string ends missing at a line's end, or cut off.

    Several values behind each other become a list. Takes time linear in the text.

    Args:
        text: the JSON.
        as_object: makes an object of its names and values, as an `object_pairs_hook`.

    Raises:
        ValueError: it is damaged in another way.
    """
    try:
        return json.loads(text, strict=False, object_pairs_hook=as_object)
    except DataError:
        raise
    except ValueError:
        pass
    tokens: list[str] = []
    open_brackets: list[str] = []
    count = {"}": 0, "]": 0}
    roots = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "," or token.startswith(("//", "/*")):
            continue
        if token in ("}", "]"):
            if count[token]:  # else it closes nothing
                _close(tokens, open_brackets, count, token)
            continue
        if not open_brackets:
            if token not in _CLOSING:
                continue
            roots += 1
        if token != ":" and tokens and tokens[-1] not in ("{", "[", ":"):
            tokens.append(",")
        tokens.append(_close_string(token) if token[0] == '"' else token)
        if token in _CLOSING:
            open_brackets.append(token)
            count[_CLOSING[token]] += 1
    while open_brackets:
        _close(tokens, open_brackets, count, _CLOSING[open_brackets[-1]])
    joined = "".join(tokens)
    return json.loads(joined if roots == 1 else f"[{joined}]", strict=False, object_pairs_hook=as_object)


def _close_string(token: str) -> str:
    """The string token with its end, which a cut-off file or line may lack."""
    try:
        json.loads(token, strict=False)
    except ValueError:
        body = re.sub(r"\\(?:u[0-9a-fA-F]{0,3})?$", "", token[1:].rstrip().removesuffix(","))
        return f'"{body}"'
    return token


def _close(tokens: list[str], open_brackets: list[str], count: dict[str, int], bracket: str) -> None:
    """Close brackets up to the one that this one closes."""
    closed = ""
    while closed != bracket:
        closed = _CLOSING[open_brackets.pop()]
        count[closed] -= 1
        if tokens[-1] == ":":
            tokens.append("null")
        elif closed == "}" and tokens[-1][0] == '"' and tokens[-2] in ("{", ","):  # a key whose value was cut off
            tokens += [":", "null"]
        tokens.append(closed)


def check_depth(text: str, where: str) -> None:
    """Raise `DataError` if brackets are nested so deeply that parsers would run out of stack."""
    depth = deepest = 0
    for bracket in re.sub(r"[^\[\]{}]+", "", text):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth = max(depth - 1, 0)
    if deepest > 20 * MAX_DEPTH:
        raise DataError(f"{where}: found brackets {deepest} deep; allowed: at most {20 * MAX_DEPTH}.")


def check_nesting(content: Any, where: str) -> None:
    """Raise `DataError` if parsed content is nested more deeply than any skill."""
    level = [content]
    for _ in range(MAX_DEPTH):
        values = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [value for group in values for value in group]
        if not level:
            return
    raise DataError(f"{where}: found over {MAX_DEPTH} levels of lists and objects; allowed: {MAX_DEPTH}.")


class _Keys:
    """The keys of an open collection of YAML, of which it would keep the last where there are several of one name."""

    def __init__(self, is_mapping: bool) -> None:
        self.is_mapping = is_mapping
        self.is_next = True
        self.seen: set[str] = set()

    def add(self, event: Any, where: str) -> None:
        """Take the next node of the collection, a key or not."""
        if self.is_mapping and self.is_next and isinstance(event, yaml.ScalarEvent):
            if event.value in self.seen and event.value != "<<":
                line = event.start_mark.line + 1
                raise DataError(
                    f"{where}, line {line}: the field {event.value!r} is there twice, of which only the last would be read."
                )
            self.seen.add(event.value)
        self.is_next = not self.is_next


def check_events(events: Iterable[Any], where: str) -> None:
    """Raise `DataError` if YAML is nested too deeply, or if its aliases, written out, would make it hold itself or be huge."""
    sizes: dict[Any, int] = {}  # nodes behind each anchor
    stack: list[tuple[str | None, int]] = []  # anchor, and nodes before it, of each open collection
    keys: list[_Keys] = []  # of each open collection
    nodes = copied = 0
    for event in events:
        if isinstance(event, yaml.NodeEvent) and keys:
            keys[-1].add(event, where)
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = stack.pop()
            sizes[anchor] = nodes - before
            keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in stack):
                raise DataError(f"{where}: alias {event.anchor!r} stands inside of what it names; allowed: plain YAML.")
            copied += sizes.get(event.anchor, 1)
            nodes += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            sizes[event.anchor] = 1
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append((event.anchor, nodes))
                keys.append(_Keys(isinstance(event, yaml.MappingStartEvent)))
            nodes += 1
        if copied > MAX_COPIED or nodes > MAX_NODES or len(stack) > MAX_DEPTH:
            raise DataError(
                f"{where}: found over {MAX_NODES} nodes, {MAX_DEPTH} levels, or aliases of {MAX_COPIED} nodes; allowed: less."
            )


class Source:
    """The files behind a path: one file, or those of a folder or zip archive. Links in a folder are followed to its other files alone.

    Args:
        path: the path.
        language: which is to be read where there are several, such as `de-DE`; None: as readers choose.

    Raises:
        DataError: there is no such path.
    """

    def __init__(self, path: str | Path, language: str | None = None) -> None:
        self.path = Path(path)
        self.language = language
        try:
            if not self.path.is_dir() and not self.path.is_file():  # a device or pipe could be read for ever
                raise DataError(f"{path}: there is no such file or folder.")
            self.is_folder = self.path.is_dir() or zipfile.is_zipfile(self.path)
        except OSError as error:
            raise DataError(f"{path}: not readable ({error.strerror or error}); allowed: a file or folder.") from error

    @cached_property
    def files(self) -> list[SourceFile]:
        """The files, in order of their names; read when they are asked for.

        Raises:
            DataError: they are too large or too many, can't be read, or the archive is damaged.
        """
        try:
            return list(self._read_files())
        except OSError as error:
            raise DataError(f"{self.path}: not readable ({error.strerror or error}); allowed: a file or folder.") from error

    @property
    def name(self) -> str:
        """The name of the file or folder, without suffix."""
        resolved = self.path.resolve()
        return resolved.name if self.path.is_dir() else resolved.stem

    @property
    def only(self) -> SourceFile | None:
        """The file, if the path is one; None for folders and archives."""
        return None if self.is_folder else self.files[0]

    @property
    def given(self) -> list[SourceFile]:
        """The file alone, if the path is one; nothing for folders and archives."""
        return [] if self.only is None else [self.only]

    def find(self, *suffixes: str) -> list[SourceFile]:
        """The files whose names end so (lower case), in order of their names."""
        return [file for file in self.files if file.name.lower().endswith(suffixes)]

    def candidates(self, *suffixes: str) -> list[SourceFile]:
        """The files to look for a format in: the one that the path is, whatever its name, or those of the folder or archive whose names end so.

        Args:
            suffixes: in lower case; all files of a folder if there are none.
        """
        return self.given or (self.find(*suffixes) if suffixes else self.files)

    def _read_files(self) -> Iterator[SourceFile]:
        if self.path.is_dir():
            yield from self._read_folder()
        elif self.is_folder:
            yield from self._read_archive()
        else:
            _check_size(self.path.stat().st_size, str(self.path))
            yield SourceFile(self.path.name, str(self.path), self.path.read_bytes())

    def _read_folder(self) -> Iterator[SourceFile]:
        total = number = 0
        links = []
        for path in sorted(self.path.rglob("*")):  # which does not go into folders that are links
            name = path.relative_to(self.path).as_posix()
            if path.is_symlink() and (path.is_dir() or not is_inside(path, self.path)):
                links.append(name)
            elif path.is_file() and not any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
                total += path.stat().st_size
                number += 1
                _check_size(total, str(self.path), number)
                yield SourceFile(name, str(path), path.read_bytes())
        _name_links(self.path, links)

    def _read_archive(self) -> Iterator[SourceFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                listed = sorted(archive.infolist(), key=lambda member: member.filename)
                links = [member.filename for member in listed if stat.S_ISLNK(member.external_attr >> 16)]
                _name_links(self.path, links)
                # Of an entry that is there twice, the last one counts, as where the archive is unpacked.
                entries = {member.filename: member for member in listed if not member.is_dir() and member.filename not in links}
                members = list(entries.values())
                _check_size(sum(member.file_size for member in members), str(self.path), len(members))
                for member in members:
                    if not any(part.startswith((".", "__MACOSX")) for part in member.filename.split("/")):
                        with archive.open(member) as stream:
                            content = stream.read(MAX_BYTES + 1)  # the size that the archive names may be wrong
                        _check_size(len(content), f"{self.path}/{member.filename}")
                        name = member.filename.replace("\\", "/")  # some programs on Windows write these
                        yield SourceFile(name, f"{self.path}/{name}", content)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            EOFError,
            OSError,
            ValueError,
            zlib.error,
            lzma.LZMAError,
        ) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{self.path}: a damaged or protected zip archive ({error}); unpack it and give the folder."
            ) from error


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, once links are followed, is below the folder, or is what the hub's cache keeps for it beside its snapshots."""
    try:
        real, root = path.resolve(strict=True), folder.resolve()
    except (OSError, RuntimeError):  # such as a link to itself
        return False
    snapshots = [place.parent for place in (root, *root.parents) if place.parent.name == "snapshots"]
    return real.is_relative_to(root) or any(real.parent == place.parent / "blobs" for place in snapshots)


def _name_links(path: Path, links: list[str]) -> None:
    if links:
        names = ", ".join(links[:8])
        kind = "links that are not followed, to folders or out of this one"
        logger.warning("%s: %s: %s", path, counted_kind(len(links), kind), names)


def _check_size(size: int, where: str, files: int = 1) -> None:
    if size > MAX_BYTES:
        raise DataError(f"{where}: {size / 2**20:.0f} MiB is too large for a skill; allowed: {MAX_BYTES // 2**20} MiB.")
    if files > MAX_FILES:
        raise DataError(f"{where}: more than {MAX_FILES} files; give the folder that holds the skill alone.")


__all__ = ["Source", "SourceFile", "check_depth", "check_events", "check_nesting", "is_inside"]
