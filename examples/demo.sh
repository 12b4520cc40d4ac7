#!/bin/sh
# Serves the examples until Ctrl-C. Usage: demo.sh path/to/spacewasm
set -eu
bin=$1
listen=${SPACEWASM_LISTEN:-127.0.0.1:4200}
data=$(mktemp -d)
log=$data/server.log
server=
finish() {
  trap - EXIT INT TERM
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$data"
  echo
  echo "stopped; nothing is left behind"
}
trap finish EXIT
trap 'exit 0' INT TERM

# A session of its own keeps the terminal's Ctrl-C from the server, which gets its
# signal from here, once, and drains.
setsid "$bin" serve --listen "$listen" --data "$data" >"$data/ready" 2>"$log" &
server=$!
until grep -q ready "$data/ready" 2>/dev/null; do
  if ! kill -0 "$server" 2>/dev/null; then cat "$log" >&2; exit 1; fi
  sleep 0.1
done
base=$(sed 's/.*ready at //' "$data/ready")
port=${base##*:}

export SPACEWASM_SERVER="http://127.0.0.1:$port"
SPACEWASM_TOKEN=$(cat "$data/token")
export SPACEWASM_TOKEN
for app in hello hello-c handler-c guestbook thumbnail catalog shop digest; do
  echo "pushing $app"
  "$bin" push "examples/$app" >"$data/url" 2>"$data/push.log" || { cat "$data/push.log" >&2; exit 1; }
  urls="${urls:-}  $(tail -n 1 "$data/url")
"
done
printf '\nThe examples are live, until Ctrl-C:\n%s' "$urls"
echo "Try: curl --resolve hello.localhost:$port:127.0.0.1 http://hello.localhost:$port/"
wait "$server"
