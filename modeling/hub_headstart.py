"""Publishing files on a hub: in one commit, so that an interrupted push leaves no part of itself, and with errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RevisionNotFoundError

from .folders_headstart import CHECKPOINT, CONFIG, KINDS, kind_of_names
from .json_headstart import parse_object

SPACE_MARK = "headstart_space.json"  # tells a Space of ours from others
GIVEN = (".gitattributes", "README.md")  # what a hub puts into a new one
PUSH_OPTIONS = ("commit_message", "private", "revision", "token")


class PublishError(OSError):
    """A push did not go through; the message says what to do."""


def publish(
    repo_id: str,
    files: Mapping[str, Path | bytes],
    kind: str,
    message: str,
    *,
    path_in_repo: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    token: str | None = None,
    space: str | None = None,
) -> str:
    """Publish files in one commit.

    Args:
        repo_id: `owner/name`, or `name` for the account of the token; made if it is not there.
        files: by name, what to publish.
        kind: `headstart`, `onnx` or `head`: a repository that holds another one is left alone. Not read for a Space.
        message: of the commit.
        path_in_repo: folder of the repository to put the files in, with nothing but a head in it; unset: the top.
        private: True: nobody else may see it; unset: a new repository is as the account has it.
        revision: branch to push to, made if it is not there; unset: main.
        token: of the hub; unset: the one that `hf auth login` or HF_TOKEN left.
        space: the files are a Space that runs with this SDK; what an earlier one of ours held besides is taken away.

    Returns:
        address of the commit.

    Raises:
        ValueError: a name is none that a hub allows.
        PublishError: there is no token, no right to write, no network, or the repository holds something else or is public.
    """
    if path_in_repo is not None and not re.fullmatch(r"[\w-]+", path_in_repo, re.ASCII):
        raise ValueError(f"path_in_repo is {path_in_repo!r}; it must be one folder's name, of letters, digits, '_' and '-'.")
    token = token or get_token()
    if token is None:
        raise PublishError("there is no token for the hub: run `hf auth login`, or set HF_TOKEN.")
    api = HfApi(token=token)
    prefix = f"{path_in_repo}/" if path_in_repo else ""
    with _explained(repo_id):
        repo_type = "space" if space else None
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True, repo_type=repo_type, space_sdk=space).repo_id
        if space:
            parent, outdated = _check_space(api, repo_id, files, private=private, revision=revision)
        else:
            parent, outdated = _check_remote(api, repo_id, kind, prefix, private=private, revision=revision), []
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True, repo_type=repo_type)
        added = [CommitOperationAdd(prefix + name, content) for name, content in files.items()]
        commit = api.create_commit(
            repo_id,
            [*added, *(CommitOperationDelete(name) for name in outdated)],
            commit_message=message,
            revision=revision,
            parent_commit=parent,
            repo_type=repo_type,
        )
    return str(commit.commit_url)


def push_saved(repo_id: str, options: Mapping[str, Any], save: Callable[[Path], object]) -> str:
    """Publish what `save` writes into a folder, as `push_to_hub` of transformers' objects is asked for it.

    Args:
        repo_id: see [`publish`].
        options: `commit_message`, `private`, `revision` and `token`, as given.
        save: writes a whole checkpoint.

    Returns:
        address of the commit.

    Raises:
        ValueError: there is no such option.
        PublishError: see [`publish`].
    """
    unknown = sorted(set(options) - set(PUSH_OPTIONS))
    if unknown:
        raise ValueError(f"push_to_hub has no option {unknown[0]!r}; allowed: {', '.join(PUSH_OPTIONS)}.")
    given = {name: value for name, value in options.items() if name != "commit_message"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        save(folder)
        files = sorted(path for pattern in CHECKPOINT.published for path in folder.glob(pattern))
        message = options.get("commit_message") or "with push_to_hub"
        return publish(repo_id, {path.name: path for path in files}, CHECKPOINT.name, message, **given)


def _check_remote(api: HfApi, repo_id: str, kind: str, prefix: str, *, private: bool | None, revision: str | None) -> str | None:
    """See that a push would neither publish what shall be private, nor mix two kinds of models.

    Returns:
        the commit that was looked at, if the branch is there already.
    """
    info, head, names = _look_at(api, repo_id, None, private=private, revision=revision)
    there = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    where = f"{repo_id}/{prefix}".rstrip("/")
    found = kind_of_names(there, where)
    title = None if found is None else found.title
    if found is CHECKPOINT:
        file = hf_hub_download(repo_id, f"{prefix}{CONFIG}", revision=info.sha, token=api.token)
        try:
            model_type = str(parse_object(Path(file).read_bytes(), CONFIG).get("model_type"))
        except ValueError:
            model_type = "unknown"
        title = title if model_type == CHECKPOINT.name else f"a model of type {model_type}"
    elif found is None and prefix and there:
        title = "files of another kind"
    if title not in (None, KINDS[kind].title):
        raise PublishError(f"{where} holds {title} already; push to another name.")
    return head


def _check_space(
    api: HfApi, repo_id: str, files: Mapping[str, Path | bytes], *, private: bool | None, revision: str | None
) -> tuple[str | None, list[str]]:
    """See that a Space is new, or ours.

    Returns:
        the commit that was looked at, if the branch is there already, and the files that are not of the new one.
    """
    _, head, names = _look_at(api, repo_id, "space", private=private, revision=revision)
    own = [name for name in names if name not in GIVEN]
    if own and SPACE_MARK not in own:
        raise PublishError(f"the Space {repo_id} holds something else already ({own[0]}); push to another name.")
    return head, [name for name in own if name not in files]


def _look_at(
    api: HfApi, repo_id: str, repo_type: str | None, *, private: bool | None, revision: str | None
) -> tuple[Any, str | None, Sequence[str]]:
    """What the hub says of a repository, the commit of the branch, if it is there, and the names of the files."""
    try:
        info: Any = api.repo_info(repo_id, revision=revision, repo_type=repo_type)
        head = info.sha
    except RevisionNotFoundError:  # it will start from main
        info, head = api.repo_info(repo_id, repo_type=repo_type), None
    if private and not info.private:
        raise PublishError(f"{repo_id} is there already, and public: make it private in its settings, or push to another name.")
    return info, head, [sibling.rfilename for sibling in info.siblings or []]


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """The hub's errors in one line that says what to do; those of this machine as they are."""
    try:
        yield
    except HFValidationError as error:
        raise ValueError(f"{repo_id!r} is no name of a repository: {_first_line(error)}") from error
    except OfflineModeIsEnabled as error:
        raise PublishError("HF_HUB_OFFLINE is set, so nothing can be pushed: unset it.") from error
    except HfHubHTTPError as error:
        raise PublishError(_of_status(repo_id, error)) from error
    except (ConnectionError, TimeoutError, RuntimeError) as error:
        raise PublishError(f"the hub broke off ({_first_line(error)}); no commit was made: push again.") from error
    except Exception as error:
        if not type(error).__module__.startswith("httpx"):
            raise
        raise PublishError(f"the hub can't be reached ({_first_line(error)}); no commit was made: push again.") from error


def _of_status(repo_id: str, error: HfHubHTTPError) -> str:
    status = error.response.status_code
    reasons = {
        401: "the hub doesn't accept the token: run `hf auth login` again, or set HF_TOKEN to one that can write.",
        403: f"this token may not write to {repo_id}: take a name of your own account, or a token that can write.",
        404: f"{repo_id} is not there, or is private and not yours: check the name and the token.",
        412: f"somebody else has pushed to {repo_id} meanwhile: push again.",
    }
    said = error.server_message or _first_line(error)
    advice = ": push again" if status == 429 or status >= 500 else ""
    return reasons.get(status, f"the hub refused with status {status} ({said}); no commit was made{advice}.")


def _first_line(error: BaseException) -> str:
    return re.split(r"\n|\(Request ID", str(error))[0].strip() or type(error).__name__


__all__ = ["SPACE_MARK", "PublishError", "publish", "push_saved"]
