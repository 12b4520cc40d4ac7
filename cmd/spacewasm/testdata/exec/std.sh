#!/bin/sh
# std.sh GO PACKAGE...: Go's own tests of the packages as guests of spacewasm, and
# Go's tests of WASI hosts. Go tells hosts apart by a variable and skips a test of
# os for wazero, whose directories are names; so all run both ways.
set -eu
go=$1
shift
unset GOWASIRUNTIME GOWASIRUNTIMEARGS
guests() { GOOS=wasip1 GOARCH=wasm "$go" test -short -vet=off -timeout 30m "$@"; }
guests "$@"
GOWASIRUNTIME=wazero guests "$@"
GOWASIENABLERACYTEST=1 "$go" test -count=1 internal/runtime/wasitest -args -target=wasip1/wasm
