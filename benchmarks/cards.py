"""Write the cards under model_cards/: of the embedded base, from its own files, and of the example skills, which are fine-tuned for it.

python benchmarks/cards.py [--base checkpoints/headstart-base-en] [--examples examples]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from headstart import HeadstartForJointNLU, Skill, finetune, load_skill
from headstart.hub.card import FIGURES

CARDS = Path(__file__).parent.parent / "model_cards"
CORPORA = {
    "banking77": ("Casanueva, Temčinas, Gerz, Henderson and Vulić 2020", "CC BY 4.0"),
    "clinc150": ("Larson, Mahendran, Peper, Clarke, Lee, Hill, Kummerfeld, Leach, Laurenzano, Tang and Mars 2019", "CC BY 3.0"),
    "fb_multilingual": ("Schuster, Gupta, Shah and Lewis 2019", "CC BY-SA"),
    "hwu64_full": ("Liu, Eshghi, Swietojanski and Rieser 2019", "CC BY 4.0"),
    "massive": ("FitzGerald et al. 2022 (Amazon)", "CC BY 4.0"),
    "multidogo": ("Peskov, Clarke, Krone, Fodor, Zhang, Youssef and Diab 2019", "CDLA-Permissive-1.0"),
    "multiwoz21": ("Budzianowski et al. 2018; version 2.1: Eric et al. 2020", "MIT"),
    "restaurants8k": ("Coope, Farghly, Gerz, Vulić and Henderson 2020", "CC BY 4.0"),
    "sgd": ("Rastogi, Zang, Sunkara, Gupta and Khaitan 2020", "CC BY-SA 4.0"),
    "slurp": ("Bastianelli, Vanzo, Swietojanski and Rieser 2020", "CC BY 4.0 (text)"),
    "topv2": ("Chen, Ghoshal, Mehdad, Zettlemoyer and Gupta 2020", "CC BY-SA 4.0"),
}


def figures(metrics: dict[str, Any], names: list[str]) -> list[list[str]]:
    rows = []
    for name, prefix in [("all", "eval_"), *((name, f"eval_{name}_") for name in names)]:
        values = [metrics.get(prefix + figure) for figure in FIGURES]
        shown = ["-" if value is None else f"{value:.3f}" for value in values]
        rows.append([name, str(metrics[f"{prefix}utterances"]), *shown])
    return rows


def base_card(base: Path) -> ModelCard:
    metrics, run = (json.loads((base / name).read_text(encoding="utf-8")) for name in ("metrics.json", "run.json"))
    model = HeadstartForJointNLU.from_pretrained(base)
    trained = run["options"]
    sources = []
    for name in model.skills:
        authors, licence = CORPORA[name]
        skill = model.skill(name)
        counts = {"rows": run["train_rows"][name], "intents": len(skill["intents"]), "slots": len(skill["slots"])}
        sources.append({"name": name, "authors": authors, "licence": licence, **counts})
    return ModelCard.from_template(
        ModelCardData(
            language="en",
            license="cc-by-sa-4.0",
            library_name="headstart",
            tags=["joint-nlu", "intent-classification", "slot-filling"],
            model_name="headstart-base-en",
        ),
        template_path=str(CARDS / "base_template.md"),
        sources=sources,
        share_alike=[source["name"] for source in sources if "BY-SA" in source["licence"]],
        total_rows=f"{sum(source['rows'] for source in sources):,}",
        parameters=f"{model.num_parameters():,}",
        megabytes=f"{sum(path.stat().st_size for path in base.iterdir()) / 1e6:.1f}",
        vocab_size=f"{model.config.vocab_size:,}",
        embedding_size=model.config.embedding_size,
        hidden_size=model.config.hidden_size,
        task_hidden_size=model.config.task_hidden_size,
        min_word_count=trained["min_word_count"],
        epochs=f"{trained['num_train_epochs']:g}",
        batch_size=trained["per_device_train_batch_size"],
        steps=f"{metrics['steps']:,}",
        learning_rate=trained["learning_rate"],
        sentence_loss=f"{trained['sentence_loss']:g}",
        word_loss=f"{trained['word_loss']:g}",
        precision="bfloat16" if trained["bf16"] else "float32",
        seed=trained["seed"],
        date=run["date"],
        figures=figures(metrics, model.skills),
    )


def write_skill_card(skill: Skill, base: Path) -> None:
    can_compare = skill.has("validation") or skill.has("test")
    with tempfile.TemporaryDirectory() as folder:
        finetune(skill, folder, base=str(base), compare_no_transfer=can_compare, data_licence="Apache-2.0", disable_tqdm=True)
        (CARDS / f"{skill.name}.md").write_text((Path(folder) / "README.md").read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("checkpoints/headstart-base-en"))
    parser.add_argument("--examples", type=Path, default=Path("examples"), help="folder of skills")
    options = parser.parse_args()
    card = base_card(options.base)
    for path in (options.base / "README.md", CARDS / f"{options.base.name}.md"):
        card.save(path)
    for folder in sorted(path for path in options.examples.iterdir() if path.is_dir()):
        write_skill_card(load_skill(folder), options.base)


if __name__ == "__main__":
    main()
