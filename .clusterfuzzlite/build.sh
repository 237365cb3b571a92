#!/bin/sh
# build.sh: what OSS-Fuzz does, with the working tree.
set -eu
exec "${SRC:?}/handfast/fuzz/oss-fuzz/build.sh"
