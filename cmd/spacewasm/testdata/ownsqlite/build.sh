#!/bin/sh
# build.sh OUT compiles this guest with a SQLite of its own. That is not in the repository: it is taken from a package of Go's module
# proxy, which has SQLite's amalgamation in it as it is released. Compiling it takes a minute, so its object is kept in bin/.
set -eu
command -v clang >/dev/null || { echo "please install: clang, lld, wasi-libc and libclang-rt-dev-wasm32 (make deps)" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
flags="--target=wasm32-wasi -O2 -Wall -Werror"
cd / # where no go.mod is, which the command would look into
sqlite=$(go mod download -json github.com/mattn/go-sqlite3@v1.14.53 | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
[ -n "$sqlite" ] || { echo "go mod download names no folder" >&2; exit 1; }

object=$root/bin/ownsqlite/$({ cat "$here/build.sh"; clang --version; } | cksum | cut -d' ' -f1).o
if [ ! -e "$object" ]; then
	mkdir -p "$root/bin/ownsqlite"
	# shellcheck disable=SC2086 # they are several
	clang $flags -c -o "$object.$$" -Wno-unused \
		-DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL -DSQLITE_OMIT_SHARED_CACHE \
		-DSQLITE_TEMP_STORE=3 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_DQS=0 \
		-DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS "$sqlite/sqlite3-binding.c"
	mv "$object.$$" "$object"
fi
# shellcheck disable=SC2086 # as above
exec clang $flags -mexec-model=reactor -Wl,--strip-all -I"$sqlite" -I"$root/examples/handler-c" -o "$out" "$here/main.c" "$here/vfs.c" "$object"
