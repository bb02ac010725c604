"""Making and fine-tuning models, and the datasets for it. Training needs the extra `learn`; datasets need none."""
