"""Training of the small PaliGemma that comes with the package, by `docproc finetune nano RECIPE.toml`."""
