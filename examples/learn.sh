#!/usr/bin/env bash
# Learning from end to end on the small model that comes with docproc, in some minutes on a CPU: documents with known
# truth, a dataset, fine-tuning in PyTorch and in JAX, a comparison with pictures, promoting and going back.
#
#     pip install 'docproc[paligemma,learn,jax]' && bash examples/learn.sh FOLDER
set -euo pipefail
folder=${1:?Say in which folder to work.}
mkdir -p "$folder"
export DOCPROC_DATA_DIR=$folder/data
data=$folder/dataset

docproc synth --kind certificate --count 2 --format png --out "$folder/drawn"
docproc dataset export "$data" --synth "${COUNT:-120}" --kind certificate --kind contract --task caption \
    --variant nano --side 160

# captions of two kinds of documents that the model has never seen
recipe=(--model nano --name captions --preset small --rehearse 1)
docproc finetune paligemma "$data" "${recipe[@]}" --steps "${STEPS:-60}"
docproc finetune paligemma "$data" "${recipe[@]}" --steps "${JAX_STEPS:-20}" --framework jax

docproc evaluate "$data" --model nano --model captions@1 --html "$folder/report.html"

docproc models promote captions --version 1 --on "$data"
docproc models promote captions --version 2 --force "to have something to go back from"
docproc models rollback captions
docproc models show captions
