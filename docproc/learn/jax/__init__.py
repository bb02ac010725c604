"""Fine-tuning PaliGemma in JAX, on the arrays of big_vision's checkpoints as they are. Needs the extra `jax`."""
