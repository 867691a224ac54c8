#!/bin/sh
# The papers' tables and figures on CamVid, with models trained here: some hours of two cores.
#   VEILSEG_CAMVID=DIR VEILSEG_WEIGHTS=DIR sh recipes/protocols.sh
# Interrupted, it goes on where it was: so do `veilseg train`, the experiment and the protocols. Every training may run
# elsewhere, or two at a time. Models and keys land in runs/, numbers and figures in runs/protocols/ or the folder that is
# given; results/protocols/ holds ours, which belong to other weights.
set -eu

out=${1:-runs/protocols}
data=camvid:$VEILSEG_CAMVID
: "$VEILSEG_WEIGHTS"
mkdir -p runs

# [Hirose 2026] Table II: rows of the experiment, and SETR-MLA, with which they begin
[ -e camvid ] || ln -s "$VEILSEG_CAMVID" camvid
rows=runs/rows
python tools/experiment.py --lanes 1 setr-plain-0 setr-shuffled16-0 setr-shuffled8-0 setr-shuffled4-0
veilseg evaluate --data "$data" --protocol independent-keys -o "$out" --model $rows/setr-plain-0 \
  --model $rows/setr-shuffled16-0 --model $rows/setr-shuffled8-0 --model $rows/setr-shuffled4-0

# [Kiya 2022] Table 1 and Fig. 6, on a pretrained ViT as in the paper
setr=
for decoder in naive mla pup; do
  veilseg train recipes/camvid-dinov2.yaml model.architecture=setr-$decoder -o "runs/dinov2-$decoder"
  setr="$setr --model runs/dinov2-$decoder"
done
veilseg evaluate --data "$data" --protocol keys $setr -o "$out"
veilseg evaluate --data "$data" --protocol keys --model plain -o "$out/shipped"
veilseg evaluate --data "$data" --protocol random-keys $setr --limit 5 -o "$out"  # 153 times through five images

# [Kiya 2022] Table 2
key=runs/conventional.key
[ -e "$key" ] || veilseg keygen -o "$key"
veilseg train recipes/camvid-fcn.yaml -o "runs/fcn"
conventional="--model runs/fcn"
for block in 4 16; do
  for cipher in shf np ffx; do
    veilseg train recipes/camvid-conventional.yaml model.input=$cipher model.block=$block \
      method.key="$key" -o "runs/fcn-$cipher$block"
    conventional="$conventional --model runs/fcn-$cipher$block"
  done
done
veilseg evaluate --data "$data" --protocol conventional $conventional --key "$key" -o "$out"

# The papers' pictures: of these photographs, which are nobody's to publish, in runs/; of generated scenes beside the numbers
veilseg evaluate --data "$data" --protocol figure --model $rows/setr --model $rows/setr-shuffled4-0 -o runs/figure
veilseg evaluate --data scenes:1:7 --protocol figure --model plain --model default -o "$out"
