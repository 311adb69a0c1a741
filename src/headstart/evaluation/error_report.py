"""The errors of a skill as one HTML page, which needs nothing besides: no script, no font, no picture of elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from headstart.evaluation.errors import Advice, CalibrationBin, Errors, WrongText
from headstart.tokenization.alignment_headstart import Span

SHOWN = 200  # wrong texts; the rest are counted
MAX_CONFUSED = 30  # intents whose confusions are a table
SIDE, EDGE = 260, 34  # of the plot, in pixels
COLOURS = ("#cfe8ff", "#ffe2b8", "#d8f5d0", "#f6d3e6", "#e3dcfa", "#fdf3b0", "#cdeeea", "#e9e2d6")

STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .5rem 0 } th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #e3e7ee; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } td.right { background: #e2f4e2 } td.wrong { background: #fbdcd8 }
mark { border-radius: .25rem; padding: 0 .2rem } mark small { opacity: .7 } .quiet { color: #5b6676 } li { margin: .4rem 0 }
""".strip()


def error_page(errors: Errors) -> str:
    """The page: what would help, scores of labels, confusions, the calibration plot, and wrong texts, the most confident first."""
    labels = sorted({span["label"] for error in errors.wrong for span in (*(error.wanted_slots or []), *error.found_slots)})
    colours = {label: COLOURS[place % len(COLOURS)] for place, label in enumerate(labels)}
    parts = [
        f"<h1>Errors of {escape(errors.skill)}</h1>",
        f"<p>{errors.rows - len(errors.wrong)} of {errors.rows} rows are answered as they are annotated; {len(errors.wrong)} are not.</p>",
        "<h2>What would help most</h2>", _advice(errors.advice),
        "<h2>Intents</h2>", _table(("intent", "rows", "right", "else mostly"), [(s.intent, s.rows, s.right, s.taken_for or "") for s in errors.labels.intents]),
        "<h2>Slots</h2>", _table(("slot", "spans", "found", "right", "F1"), [(s.slot, s.spans, s.found, s.right, f"{s.f1:.2f}") for s in errors.labels.slots]),
        "<h2>Confused intents</h2>", _confusions(errors),
        "<h2>Confused slots</h2>", _table(("annotated", "answered", "spans"), errors.slot_confusions),
        "<h2>Are the scores honest?</h2>",
        '<p class="quiet">Of intents: of the answers with a score of 0.8, eight in ten should be right. Circles are tenths of the scores, by how many answers there are.</p>',
        _plot(errors.calibration),
        "<h2>Wrong texts, the most confident first</h2>", _texts(errors.wrong, colours),
    ]  # fmt: skip
    title = f"Errors of {escape(errors.skill)}"
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _advice(advice: Sequence[Advice]) -> str:
    if not advice:
        return "<p>Nothing is wrong.</p>"
    lines = [
        f"<li><b>{one.errors}</b> &times; {escape(one.what)}<br><span class=quiet>{' &middot; '.join(map(escape, one.examples))}</span></li>"
        for one in advice
    ]
    return f"<ol>{''.join(lines)}</ol>"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["".join(_cell(value) for value in row) for row in rows]
    if not lines:
        return '<p class="quiet">None.</p>'
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(value: object, kind: str = "") -> str:
    kinds = [*(["number"] if isinstance(value, (int, float)) else []), *([kind] if kind else [])]
    return f'<td class="{" ".join(kinds)}">{escape(str(value))}</td>' if kinds else f"<td>{escape(str(value))}</td>"


def _confusions(errors: Errors) -> str:
    """A table of annotated against answered intents; where there are many, pairs."""
    found = errors.intent_confusions
    wrong = [(one, two, count) for one, counts in found.items() for two, count in counts.items() if one != two]
    answered = sorted({two for counts in found.values() for two in counts})
    if not wrong or max(len(found), len(answered)) > MAX_CONFUSED:
        wrong.sort(key=lambda pair: -pair[2])
        return _table(("annotated", "answered", "rows"), wrong)
    head = "<th>annotated, answered</th>" + "".join(f"<th>{escape(name)}</th>" for name in answered)
    lines = []
    for intent, counts in found.items():
        cells = [
            _cell(counts[name], "right" if name == intent else "wrong") if name in counts else "<td></td>" for name in answered
        ]
        lines.append(f"<tr><th>{escape(intent)}</th>{''.join(cells)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _plot(bins: Sequence[CalibrationBin]) -> str:
    """Shares of right answers over scores, as SVG."""
    if not bins:
        return '<p class="quiet">No intent is annotated.</p>'
    size, most = SIDE + 2 * EDGE, max(one.answers for one in bins)

    def place(score: float, right: float) -> tuple[str, str]:
        return f"{EDGE + score * SIDE:.1f}", f"{EDGE + (1 - right) * SIDE:.1f}"

    shapes = [f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="#f6f8fb" stroke="#c8d0dc"/>']
    (x1, y1), (x2, y2) = place(0, 0), place(1, 1)
    shapes.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#9aa6b8" stroke-dasharray="4 4"/>')
    for one in bins:
        x, y = place(one.score, one.right)
        told = f"{one.answers} answers, mean score {one.score:.2f}, {one.right:.2f} right"
        shapes.append(
            f'<circle cx="{x}" cy="{y}" r="{3 + 9 * (one.answers / most) ** 0.5:.1f}" fill="#2a6fdb" fill-opacity=".65"><title>{told}</title></circle>'
        )
    for share in (0.0, 0.5, 1.0):
        x, y = place(share, share)
        shapes.append(f'<text x="{x}" y="{EDGE + SIDE + 16}" text-anchor="middle">{share:g}</text>')
        shapes.append(f'<text x="{EDGE - 6}" y="{y}" text-anchor="end" dominant-baseline="middle">{share:g}</text>')
    shapes.append(f'<text x="{size / 2}" y="{size - 2}" text-anchor="middle">score</text>')
    shapes.append(f'<text x="{EDGE}" y="{EDGE - 10}">share that is right</text>')
    return (
        f'<svg role="img" aria-label="share of right answers by score" width="{size}" height="{size}" font-size="12">'
        + "".join(shapes)
        + "</svg>"
    )


def _texts(wrong: Sequence[WrongText], colours: dict[str, str]) -> str:
    if not wrong:
        return '<p class="quiet">None.</p>'
    lines = []
    for error in wrong[:SHOWN]:
        wanted = _marked(error.text, error.wanted_slots, colours) if error.wanted_slots is not None else escape(error.text)
        answered = _marked(error.text, error.found_slots, colours)
        kind = "wrong" if error.is_intent_wrong else ""
        lines.append(
            f"<tr>{_cell(error.wanted or 'not annotated')}<td>{wanted}</td>{_cell(error.found, kind)}{_cell(f'{error.score:.2f}', 'number')}<td>{answered}</td></tr>"
        )
    head = "<tr><th>annotated</th><th></th><th>answered</th><th class=number>score</th><th></th></tr>"
    rest = f'<p class="quiet">And {len(wrong) - SHOWN} more, which the JSON has.</p>' if len(wrong) > SHOWN else ""
    return f"<table>{head}{''.join(lines)}</table>{rest}"


def _marked(text: str, spans: Sequence[Span], colours: dict[str, str]) -> str:
    parts, end = [], 0
    for span in sorted(spans, key=lambda span: span["start"]):
        value, label = text[span["start"] : span["end"]], span["label"]
        parts.append(escape(text[end : span["start"]]))
        parts.append(f'<mark style="background:{colours[label]}">{escape(value)} <small>{escape(label)}</small></mark>')
        end = span["end"]
    return "".join([*parts, escape(text[end:])])


__all__ = ["error_page"]
