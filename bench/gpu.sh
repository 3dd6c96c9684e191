#!/usr/bin/env bash
# Every figure for the GPU of this machine, into one folder: what the adapter is, that its kernels compute right, all
# sections of the bench on a model of true shape with random weights, nano, jax-js, and PyTorch where it is installed.
# Needs Node and this tree with its packages; installs nothing and reads nothing from the network.
#
#   bash bench/gpu.sh
#   bash bench/gpu.sh --shape qwen2.5-0.5b --weights q8 --size 0.5 --out bench/results/gpu --torch /path/to/python
set -uo pipefail
cd "$(dirname "$0")/.."

shape=qwen2.5-coder-1.5b
weights=q4
size=1
groups=1,4,10,32
tokens=512
out=bench/results/gpu
model=
python=python3
only=
while [ $# -gt 0 ]; do
  case "$1" in
    --shape) shape=$2 ;;       # of make-model, or a config.json
    --weights) weights=$2 ;;
    --size) size=$2 ;;         # share of the full measurement
    --groups) groups=$2 ;;
    --tokens) tokens=$2 ;;     # new tokens of a sequence in PyTorch's step
    --out) out=$2 ;;
    --model) model=$2 ;;       # a model's folder, instead of a made one
    --torch) python=$2 ;;      # a Python with torch, transformers and peft
    --only) only=$2 ;;         # sections
    *) echo "bench/gpu.sh does not know $1; its options are in its first lines." >&2; exit 2 ;;
  esac
  shift 2 || { echo "The last option lacks its value." >&2; exit 2; }
done

command -v node >/dev/null || { echo "Node >= 20.19 is missing; nothing was measured." >&2; exit 1; }
[ -d node_modules ] || { echo "The packages are missing: run npm ci in $(pwd) first (it needs the registry or a filled cache)." >&2; exit 1; }
mkdir -p "$out"
failed=()

# Runs one part: its output goes to a log beside the figures, a failure is remembered and the rest goes on.
part() {
  local name=$1
  shift
  echo "== $name: $*"
  if "$@" 2>&1 | tee "$out/$name.log"; then return 0; fi
  failed+=("$name")
  return 1
}

part doctor ./bin/afterthought doctor || { echo "No usable adapter: the other parts were not run." >&2; exit 1; }
part kernels npx --no-install vitest run src/kernels src/gpu

if [ -z "$model" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  part make-model ./bin/afterthought make-model --shape "$shape" --seed 1 --out "$work/model" && model=$work/model
fi
if [ -n "$model" ]; then
  part model ./bin/afterthought bench --model "$model" --weights "$weights" --groups "$groups" --size "$size" ${only:+--only "$only"} --out "$out/model-$weights.json"
fi
part nano ./bin/afterthought bench --size "$size" ${only:+--only "$only"} --out "$out/nano.json"
part peers ./bin/afterthought bench --only device --peers --size "$size" --out "$out/peers.json"

if ! "$python" -c 'import torch, transformers, peft' 2>/dev/null; then
  echo "== torch: left out, $python has no torch, transformers and peft (--torch PYTHON names one that has)"
elif [ -n "$model" ]; then
  device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
  dtype=$([ "$device" = cuda ] && echo bf16 || echo fp32)
  part torch "$python" bench/peers/torch_peer.py --config "$model/config.json" --device "$device" --dtype "$dtype" --tokens "$tokens" --out "$out/torch.json"
fi

node bench/summary.mjs "$out" | tee "$out/summary.txt"
if [ ${#failed[@]} -gt 0 ]; then
  echo "These parts failed: ${failed[*]}. Their output is in $out/*.log." >&2
  exit 1
fi
