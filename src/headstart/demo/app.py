"""The page of `headstart demo`, and of a Space."""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from headstart.data.rows import DataError
from headstart.demo.corrections import Corrections, editor_value, row_of
from headstart.demo.shown import NONE, answer_html
from headstart.loading import finds_skills, load_pipeline, skill_entry
from headstart.modeling.entries_headstart import SkillEntry
from headstart.onnx import OnnxNLU

STATIC = Path(__file__).parent / "static"
TOP_K = 5
MAX_CHARACTERS = 2000  # of a text
ANY = "any skill"  # the model finds out which
NOTHING: dict[str, Any] = {"text": "", "words": [], "labels": [], "spans": [], "chosen": None}


class Asked(NamedTuple):
    """What is told of a text.

    Args:
        html: its answer.
        skill: the one that answered; None if none did.
        intent: what the correction begins with.
        editor: what the editor of spans begins with.
    """

    html: str
    skill: str | None
    intent: str
    editor: dict[str, Any]


class Demo:
    """What the page does, without the page.

    Args:
        nlu: what answers.
        corrections: where rows are kept.
    """

    def __init__(self, nlu: Any, corrections: Corrections) -> None:
        self.nlu, self.corrections = nlu, corrections
        names = [nlu.entry["name"]] if isinstance(nlu, OnnxNLU) else list(nlu.model.skills)
        self.entries: dict[str, SkillEntry] = {name: skill_entry(nlu, name) for name in names}
        self.choices = [ANY, *names] if finds_skills(nlu) else names
        nlu("is it there", skill=names[0])  # what is read and built with the first request takes longest

    def ask(self, text: str, choice: str) -> Asked:
        """Answer a text.

        Raises:
            DataError: it is too long.
        """
        if len(text) > MAX_CHARACTERS:
            raise DataError(f"found a text of {len(text)} characters; allowed: at most {MAX_CHARACTERS}.")
        started = time.perf_counter()
        answer = self.nlu(text, skill=None if choice == ANY else choice, top_k=TOP_K)
        milliseconds = 1000 * (time.perf_counter() - started)
        skill = answer["skill"]
        labels = [] if skill is None else self.entries[skill]["slots"]
        editor = editor_value(answer, self.nlu.words(text), labels)
        return Asked(answer_html(answer, labels, milliseconds), skill, answer["intent"]["label"] or NONE, editor)

    def intents(self, skill: str | None) -> list[str]:
        """What a correction may say of a skill's intent."""
        return [NONE] if skill is None else [*self.entries[skill]["intents"], NONE]

    def correct(self, skill: str | None, intent: str | None, editor: Mapping[str, Any]) -> Path:
        """Keep what is right.

        Args:
            skill: the one that answered.
            intent: the right one, also a new one, or [`NONE`].
            editor: the value of the editor of spans.

        Returns:
            the file.

        Raises:
            DataError: nothing was asked, or the correction is none.
        """
        if skill not in self.entries:
            raise DataError("there is nothing to correct: ask something first, of one of the skills.")
        if not intent:
            raise DataError("the intent is missing: choose one, or write a new one.")
        if len(str(editor.get("text"))) > MAX_CHARACTERS:
            raise DataError(f"the text is too long; allowed: at most {MAX_CHARACTERS} characters.")
        if intent == NONE:
            editor = {**editor, "spans": []}
        row = row_of(editor, self.nlu.words(str(editor.get("text"))), self.entries[skill]["slots"], intent)
        return self.corrections.save(skill, row, is_none=intent == NONE)


def make_demo(model: Any, corrections: str | Path = "corrections", *, base: str | Path | None = None) -> Any:
    """The page, as Gradio's `Blocks`: for a page of one's own; see [`launch`].

    Args:
        model: a pipeline, or the name of one: folder, repository or short name of a checkpoint, folder of heads, or an exported skill.
        corrections: folder of the rows that are made of corrections, see [`Corrections`].
        base: for heads, the checkpoint that they were trained on; unset: the embedded one of that name.

    Raises:
        ImportError: gradio is missing.
    """
    gradio = _import_gradio()
    demo = Demo(load_pipeline(model, base=base) if isinstance(model, (str, Path)) else model, Corrections(Path(corrections)))
    static = {file.name: file.read_text(encoding="utf-8") for file in STATIC.iterdir()}
    title = " · ".join(demo.entries)[:80]
    with gradio.Blocks(title=title, analytics_enabled=False) as page:
        gradio.Markdown(f"# {escape(title)}")
        skill = gradio.Dropdown(demo.choices, value=demo.choices[0], label="Skill", visible=len(demo.choices) > 1)
        with gradio.Row(equal_height=True):
            text = gradio.Textbox(placeholder="Say something to it", show_label=False, scale=8, elem_id="text",
                                  max_lines=1, max_length=MAX_CHARACTERS)  # fmt: skip
            spoken = gradio.HTML(
                "", html_template=static["microphone.html"], js_on_load=static["microphone.js"], min_width=50, scale=0
            )
            button = gradio.Button("Ask", variant="primary", scale=1, min_width=80, elem_id="ask")
        answered = gradio.HTML(elem_id="answer")
        answering = gradio.State(None)  # the skill that answered
        with gradio.Accordion("This is wrong", open=False, elem_id="wrong"):
            gradio.Markdown("Choose words by drawing over them, then the slot that they are.")
            editor = gradio.HTML(
                NOTHING,
                html_template=static["editor.html"],
                js_on_load=static["editor.js"],
                elem_id="editor",
                apply_default_css=False,
            )
            intent = gradio.Dropdown([], label="Intent", allow_custom_value=True, elem_id="intent")
            save = gradio.Button("Save as a row", elem_id="save")
            said = gradio.Markdown(elem_id="said")
            file = gradio.DownloadButton("Download the rows", visible=False)

        def ask(asked: str, choice: str) -> list[Any]:
            try:
                found = demo.ask(asked, choice)
            except ValueError as error:
                raise gradio.Error(str(error)) from error
            choices = gradio.Dropdown(demo.intents(found.skill), value=found.intent)
            return [found.html, found.skill, choices, found.editor, ""]

        def correct(answered_by: str | None, right: str | None, value: dict[str, Any]) -> list[Any]:
            try:
                kept = demo.correct(answered_by, right, value)
            except (ValueError, OSError) as error:
                raise gradio.Error(str(error)) from error
            return [f"Saved in {kept.name}.", gradio.DownloadButton(value=str(kept), visible=True)]

        shown = [answered, answering, intent, editor, said]
        button.click(ask, [text, skill], shown, api_name="ask")
        text.submit(ask, [text, skill], shown, api_name=False)
        spoken.submit(lambda words: words, spoken, text, api_name=False).then(ask, [text, skill], shown, api_name=False)
        save.click(correct, [answering, intent, editor], [said, file], api_name=False)
    return page


def launch(model: Any, corrections: str | Path = "corrections", *, base: str | Path | None = None, **options: Any) -> Any:
    """Serve the page, and load nothing from elsewhere.

    Args:
        model, corrections, base: see [`make_demo`].
        options: further ones of Gradio's `Blocks.launch`.

    Returns:
        the page, and its address.
    """
    page = make_demo(model, corrections, base=base)
    # Fonts of the reader's machine: Gradio's own come from a network.
    theme = _import_gradio().themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    css = (STATIC / "demo.css").read_text(encoding="utf-8")
    # Rows can be downloaded, wherever they are kept.
    _, address, _ = page.launch(
        theme=theme, css=css, footer_links=[], allowed_paths=[str(Path(corrections).resolve())], **options
    )
    return page, address


def _import_gradio() -> Any:
    try:
        import gradio
    except ImportError as error:  # an optional dependency
        raise ImportError("the page to try a model in needs Gradio: pip install 'headstart[demo]'") from error
    return gradio


__all__ = ["Demo", "launch", "make_demo"]
