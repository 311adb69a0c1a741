"""Fine-tune a skill with transformers' own Trainer: python examples/own_trainer.py SKILL OUT [SEED]"""

import sys

import torch
from transformers import AutoTokenizer, Trainer, TrainingArguments, set_seed

import headstart

skill, out, seed = headstart.load_skill(sys.argv[1]), sys.argv[2], int((*sys.argv[3:], 42)[0])
set_seed(seed)
tokenizer = AutoTokenizer.from_pretrained(headstart.BASE_EN)
model = headstart.HeadstartForJointNLU.from_pretrained(headstart.BASE_EN)
model.add_skill(skill)  # with its catalogs, "none of these", and the slots that each intent has
for name in model.skills[:-1]:
    model.delete_skill(name)  # those of the base
model.trunk.embed_tokens.requires_grad_(False)

rows = headstart.training_rows(skill, model, tokenizer, seed=seed)
headstart.fit_classifiers(model, rows)  # a linear probe: the new classifiers start where the base's states lead
recipe = headstart.choose_recipe(len(skill.rows("train")))
arguments = TrainingArguments(
    out, seed=seed, max_steps=recipe.steps, learning_rate=recipe.learning_rate, warmup_steps=recipe.warmup, save_strategy="no",
    per_device_train_batch_size=recipe.batch_size * len(rows) // len(skill.rows("train")), report_to="none",
)  # fmt: skip
trunk = [parameter for parameter in model.trunk.parameters() if parameter.requires_grad]
rest = [parameter for name, parameter in model.named_parameters() if not name.startswith("trunk.")]
groups = [{"params": rest}, {"params": trunk, "lr": recipe.learning_rate * recipe.trunk_factor}]
optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=0.01)
trainer = Trainer(
    model, arguments, train_dataset=rows, data_collator=headstart.JointNLUCollator(), optimizers=(optimizer, None),
    callbacks=[headstart.NewEpoch(rows)],
)  # fmt: skip
trainer.train()
headstart.fit_novelty(model, rows)  # how far a text is from the skill's own, for "none of these"
headstart.NLUPipeline(model=model.eval(), tokenizer=tokenizer).save_pretrained(out)
