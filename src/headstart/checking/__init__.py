"""What of a skill's data will make a model of it worse, before one is trained: findings with rows, reason and remedy."""
