"""The W&B subset: the routes that the unmodified wandb client speaks, over swept's own store verbs."""
