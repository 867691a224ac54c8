#!/bin/sh
# The papers' tables and figures on CamVid, with small models trained here: about six hours of one core.
#   VEILSEG_CAMVID=DIR sh recipes/protocols.sh
# Interrupted, it goes on where it was: so do `veilseg train` and the protocols. Every training may run elsewhere, or two
# at a time. Models and keys land in runs/, numbers and figures in results/protocols/.
set -eu

runs=${RUNS:-runs}
out=${OUT:-results/protocols}
data=camvid:$VEILSEG_CAMVID
mkdir -p "$runs"

# [P2] Table 1 and Fig. 6
for decoder in naive mla pup; do
  veilseg train recipes/camvid-setr.yaml model.architecture=setr-$decoder -o "$runs/setr-$decoder"
done
setr="--model $runs/setr-naive --model $runs/setr-mla --model $runs/setr-pup"
veilseg evaluate --data "$data" --protocol keys $setr -o "$out"
veilseg evaluate --data "$data" --protocol random-keys $setr -o "$out"

# [P1] Table II
for s in 16 8 4; do
  veilseg train recipes/camvid-setr-shuffled.yaml model.sub_block=$s -o "$runs/setr-mla-s$s"
done
veilseg evaluate --data "$data" --protocol independent-keys -o "$out" --model "$runs/setr-mla" \
  --model "$runs/setr-mla-s16" --model "$runs/setr-mla-s8" --model "$runs/setr-mla-s4"

# [P2] Table 2
key=$runs/conventional.key
[ -e "$key" ] || veilseg keygen -o "$key"
veilseg train recipes/camvid-fcn.yaml -o "$runs/fcn"
conventional="--model $runs/fcn"
for block in 4 16; do
  for cipher in shf np ffx; do
    veilseg train recipes/camvid-conventional.yaml model.input=$cipher model.block=$block \
      method.key="$key" -o "$runs/fcn-$cipher$block"
    conventional="$conventional --model $runs/fcn-$cipher$block"
  done
done
veilseg evaluate --data "$data" --protocol conventional $conventional --key "$key" -o "$out"

# The papers' pictures
veilseg evaluate --data "$data" --protocol figure --model "$runs/setr-mla" --model "$runs/setr-mla-s4" -o "$out"
