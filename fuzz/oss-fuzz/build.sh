#!/bin/sh
# build.sh: the fuzz targets as OSS-Fuzz and ClusterFuzzLite want them, and as fuzz/check does.
#
# From the environment: CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE; OUT, where everything goes; WORK, where it is
# built (default: below OUT); SRC, whose handfast/ is the source (default: where this script is).  A BoringSSL other
# than the system's is found by CMAKE_PREFIX_PATH.
#
# In OUT afterwards, for each target: the program, NAME_seed_corpus.zip, NAME.dict and NAME.options; and in OUT/lib the
# shared libcrypto, if that is what they are linked with: they run wherever OUT is taken.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
source=$here
[ -z "${SRC:-}" ] || [ ! -d "$SRC/handfast/fuzz" ] || source=$SRC/handfast
out=${OUT:?where to put what is built}
work=${WORK:-$out/work}/handfast-fuzz
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# Debug: with its asserts, and a flight moves at each answer.  What optimises and looks is in CFLAGS.
cmake -S "$source" -B "$work" -DCMAKE_BUILD_TYPE=Debug -DHF_FUZZ=ON -DHF_TESTS=OFF -DHF_SHARED=OFF \
  "-DHF_FUZZ_ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}" "-DCMAKE_BUILD_RPATH=\$ORIGIN/lib" \
  -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON -DBROTLI_INCLUDE_DIR=OFF
cmake --build "$work" -j "$jobs" --target fuzz

for program in "$work"/fuzz/fuzz_*; do
  [ -x "$program" ] || continue
  name=${program##*/}
  cp "$program" "$out/$name"
  cp "$source/fuzz/handfast.dict" "$out/$name.dict"
  printf '[libfuzzer]\nmax_len = 4096\ntimeout = 25\n' >"$out/$name.options"
  rm -f "$out/${name}_seed_corpus.zip"
  (cd "$source/fuzz/corpus/${name#fuzz_}" && python3 -m zipfile -c "$out/${name}_seed_corpus.zip" ./*)
  crypto=$(ldd "$program" | sed -n 's/.*libcrypto[^ ]* => \(\/[^ ]*\).*/\1/p')
  if [ -n "$crypto" ]; then
    mkdir -p "$out/lib"
    cp -L "$crypto" "$out/lib/"
  fi
done
