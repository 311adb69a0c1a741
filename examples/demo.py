"""The main job on an example skill: fine-tune the embedded base, compare with no transfer, save, load, predict.

python examples/demo.py [--skill FOLDER] [--output_dir OUT]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from transformers import pipeline

import headstart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skill", type=Path, default=Path(__file__).parent / "coffee_machine")
    parser.add_argument("--output_dir", type=Path, default=Path("runs/demo"))
    options = parser.parse_args()

    skill = headstart.load_skill(options.skill)
    print(f"{skill.name}: {len(skill.train)} training utterances, {len(skill.intents)} intents, {len(skill.slots)} slots")

    folders = {"transfer": options.output_dir / skill.name, "no transfer": options.output_dir / f"{skill.name}-from-scratch"}
    for system, folder in folders.items():
        headstart.finetune(skill, folder, from_scratch=system == "no transfer")

    print(f"\n{'on ' + str(len(skill.test)) + ' test utterances':24} exact match  semantic error rate")
    for system, folder in folders.items():
        scores = headstart.evaluate(folder, skill.test)
        print(f"{system:24} {scores['exact_match']:11.3f}  {scores['semantic_error_rate']:19.3f}")

    nlu = pipeline("joint-nlu", model=str(folders["transfer"]))
    print(f"\nsaved in {folders['transfer']}; loaded again, it answers:")
    for text in skill.test["text"][:3]:
        print(json.dumps(nlu(text), ensure_ascii=False))


if __name__ == "__main__":
    main()
