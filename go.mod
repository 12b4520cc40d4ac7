module github.com/spacewasm/spacewasm

go 1.26.0

require (
	github.com/cli/browser v1.3.0 // spacewasm open
	github.com/dustin/go-humanize v1.1.0 // sizes in flags and tables
	github.com/fsnotify/fsnotify v1.10.1 // spacewasm dev sees files change
	github.com/gofrs/flock v0.13.2 // one server per data directory
	github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50 // profiles as go tool pprof reads them
	github.com/http-wasm/http-wasm-host-go v0.7.0 // tests: the handler ABI's compatibility kit
	github.com/joho/godotenv v1.5.1 // spacewasm env --file
	github.com/labstack/echo/v4 v4.16.0 // the admin API's routes
	github.com/minio/sio v0.4.1 // snapshots and variables are sealed
	github.com/prometheus/client_golang v1.25.0 // figures, and what they are scraped by
	github.com/robfig/cron/v3 v3.0.1 // tests: another opinion on cron expressions
	github.com/rogpeppe/go-internal v1.16.0 // testscript
	github.com/schollz/progressbar/v3 v3.19.1 // upload progress
	github.com/spf13/cobra v1.10.2 // the command line
	github.com/spf13/pflag v1.0.9 // its flags, from the environment too
	github.com/tetratelabs/wazero v1.12.0 // the engine
	go.opentelemetry.io/otel v1.47.0 // traces: attributes, traceparent
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp v1.47.0 // traces go out by OTLP over HTTP
	go.opentelemetry.io/otel/sdk v1.47.0 // traces: sampling, batches
	go.opentelemetry.io/otel/trace v1.47.0 // traces: spans
	go.opentelemetry.io/proto/otlp v1.11.0 // tests: a collector reads what it gets
	go.uber.org/goleak v1.3.0 // tests: no goroutine is left
	go.yaml.in/yaml/v3 v3.0.6 // the Spacefile
	golang.org/x/image v0.47.0 // is an icon a WebP; examples/thumbnail
	golang.org/x/net v0.61.0 // httpguts: what a header may hold
	golang.org/x/perf v0.0.0-20260908200009-22c9c6c9d4da // benchmath: do two samples differ
	golang.org/x/sync v0.24.0 // errgroup
	golang.org/x/sys v0.49.0 // mmap, *at, syncfs
	golang.org/x/term v0.47.0 // asking for a token
	google.golang.org/protobuf v1.36.12 // tests: of OTLP
	modernc.org/libc v1.80.1 // what SQLite, as C made Go, calls
	modernc.org/sqlite v1.62.0 // the registry's database and those of Micros, without cgo
	pgregory.net/rapid v1.3.0 // tests: models
)

require (
	github.com/aclements/go-moremath v0.0.0-20210112150236-f10218a38794 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.30.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/kylelemons/godebug v1.1.0 // indirect
	github.com/labstack/gommon v0.5.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/reugn/go-quartz v0.15.2 // wakes the scheduler
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel/exporters/otlp/otlptrace v1.47.0 // indirect
	go.opentelemetry.io/otel/log v1.47.0 // indirect
	go.opentelemetry.io/otel/metric v1.47.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/grpc v1.83.2 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)
