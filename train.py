"""Train Headstart: `python train.py pretrain|finetune [FILE.yaml|FILE.json] [--option value ...]`."""

from headstart.cli import train_main

if __name__ == "__main__":
    raise SystemExit(train_main())
