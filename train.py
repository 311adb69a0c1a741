"""`headstart pretrain` and `headstart finetune` from a clone: `python train.py pretrain|finetune ...`."""

from headstart.cli import train_main

if __name__ == "__main__":
    raise SystemExit(train_main())
