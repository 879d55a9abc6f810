#!/usr/bin/env bash
# Compares the bits that every instruction set computes: natively this x86-64 machine's; under qemu AArch64's, and
# those of an x86-64 CPU without AVX, which also shows that no AVX instruction runs where the dispatcher chose none.
#
#   ci/cross_isa.sh                      every instruction set
#   ci/cross_isa.sh --without avx512     on a CPU that hasn't got it
#
# Needs g++-aarch64-linux-gnu and qemu-user (Debian's and Ubuntu's packages). Builds in build/, as a wheel is built, so
# that a cache of the compiler's serves both.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
expected=(avx512 avx2 scalar)
while (($#)); do
  [[ $1 == --without && $# -ge 2 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  for k in "${!expected[@]}"; do [[ ${expected[k]} != "$2" ]] || unset "expected[k]"; done
  shift 2
done

work=$(mktemp -d "${TMPDIR:-/tmp}/gdfast-cross-isa.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset GDFAST_ISA GDFAST_NUM_THREADS OMP_NUM_THREADS

for tool in aarch64-linux-gnu-g++ qemu-aarch64 qemu-x86_64; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install g++-aarch64-linux-gnu and qemu-user" >&2; exit 2; }
done
if ! cmake --version >/dev/null 2>&1; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install -q cmake
  PATH=$work/venv/bin:$PATH
fi

# build NAME [CMAKE ARGUMENTS]: build/NAME/gdfast_self_test, linked statically, so that qemu needs no libraries.
build() {
  local name=$1 folder=$root/build/$1
  shift
  if ! { cmake -S "$root" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DGDFAST_PYTHON=OFF -DGDFAST_SELF_TEST=ON \
    -DCMAKE_EXE_LINKER_FLAGS=-static "$@" &&
    cmake --build "$folder" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}"; } >"$work/$name.log" 2>&1; then
    cat "$work/$name.log" >&2
    return 1
  fi
}

status=0
digests=()
fail() {
  echo "FAILED: $*" >&2
  status=1
}

# compare TITLE ISA COMMAND...: runs the self-test, which must name ISA and finds errors of its own.
compare() {
  local title=$1 isa=$2 output last begun=$SECONDS
  shift 2
  if ! output=$("$@" 2>"$work/errors"); then
    fail "$title: $* (exit status $?)"
    cat "$work/errors" >&2
    return
  fi
  last=$(tail -n 1 <<<"$output")
  printf '%-36s %-8s %-18s %4d s\n' "$title" "${last% *}" "${last#* }" $((SECONDS - begun))
  [[ ${last% *} == "$isa" ]] || fail "$title: chose ${last% *}, not $isa"
  digests+=("${last#* }")
}

build cross_isa_native -DCMAKE_CXX_COMPILER=g++  # by the name and with the flags that pip has
native=$root/build/cross_isa_native/gdfast_self_test
build cross_isa_aarch64 -DGDFAST_WERROR=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
arm=(qemu-aarch64 "$root/build/cross_isa_aarch64/gdfast_self_test")
nehalem=(qemu-x86_64 -cpu Nehalem)

printf '%-36s %-8s %-18s %6s\n' where ISA digest time
supported=$("$native" --list)
for isa in $supported; do compare "this machine" "$isa" env GDFAST_ISA="$isa" "$native"; done
for isa in "${expected[@]}"; do
  grep -qx "$isa" <<<"$supported" || fail "this machine doesn't run $isa (--without $isa does without)"
done
for isa in neon scalar; do compare "qemu-aarch64" "$isa" env GDFAST_ISA="$isa" "${arm[@]}"; done
compare "qemu-aarch64, its own choice" neon "${arm[@]}"

# Only an emulator that refuses AVX shows anything.
cat >"$work/avx.cpp" <<'CPP'
int main() { __asm__ volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: "xmm0"); }
CPP
g++ -static -o "$work/avx" "$work/avx.cpp"
if { "${nehalem[@]}" "$work/avx"; } >/dev/null 2>&1; then fail "${nehalem[*]} runs AVX2 instructions"; fi
# Each problem once: without instructions for them, emulated FMAs take minutes.
compare "qemu-x86_64 Nehalem, its own choice" scalar "${nehalem[@]}" "$native" --once

different=$(printf '%s\n' "${digests[@]}" | sort -u | wc -l)
((different == 1)) || fail "$different digests: compare the outputs of gdfast_self_test --each"
((status == 0)) && echo "the same bits ${#digests[@]} times"
exit "$status"
