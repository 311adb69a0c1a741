"""What both stages share: options, trainer, epochs, and what a run leaves."""
