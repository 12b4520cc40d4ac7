package wasi

import (
	"fmt"
	"strings"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// advise says what would pay. Each piece was measured: a Rust program for WASI goes
// from 5.8 MB to 95 KB without the DWARF of its library, a C program from 42 KB to
// 5 KB, and a Go program has none.
func (r *Report) advise() {
	const much, part = 16 << 10, 4
	if debug := r.Sizes.Debug; debug > much && debug > r.Sizes.File/part {
		strip := map[maker]string{
			rustMaker:   " with -C strip=debuginfo (Cargo.toml: strip = \"debuginfo\")",
			clangMaker:  " with -Wl,--strip-debug",
			tinyGoMaker: " with -no-debug",
		}[r.maker()]
		r.Advice = append(r.Advice, fmt.Sprintf("%d%% of the file is debugging information, which is uploaded and never read: strip it%s",
			100*int64(debug)/int64(r.Sizes.File), strip))
	}
	if r.maker() == goMaker && r.Contract == ContractCGI && len(r.Faults) == 0 {
		r.Advice = append(r.Advice, "a Go command starts its runtime anew for each request, which takes milliseconds; a handler "+
			"(-buildmode=c-shared, with micro.Serve) starts it once, when it is pushed")
	}
}

// Seeded says what it means for requests that the initialiser drew what
// [Snapshot.Drew] names, "" if it drew nothing.
func (r *Report) Seeded(drew []string) string {
	if len(drew) == 0 {
		return ""
	}
	var means []string
	for _, what := range drew {
		switch what {
		case preview1.DrewRandomness:
			means = append(means, r.seededRandomness())
		case preview1.DrewTime:
			means = append(means, "a time that it kept stays as it was, and a request that asks gets its own")
		}
	}
	return fmt.Sprintf("the initialiser drew %s: all requests have the same of it; %s", strings.Join(drew, " and "), strings.Join(means, "; "))
}

// seededRandomness says what repeats in a language.
func (r *Report) seededRandomness() string {
	text, ok := map[maker]string{
		goMaker: "the numbers of math/rand and math/rand/v2 and the order of maps repeat in each; crypto/rand draws anew, " +
			"and micro.Rand is a generator that is seeded by it",
		tinyGoMaker:         "the numbers of math/rand repeat in each; crypto/rand draws anew",
		rustMaker:           "the keys of HashMap, if it has made one, and generators that it has seeded repeat in each; getrandom draws anew",
		clangMaker:          "what it has seeded from that (srand, the keys of a hash) repeats in each; getentropy draws anew",
		assemblyScriptMaker: "the numbers of Math.random repeat in each; crypto.getRandomValues draws anew",
	}[r.maker()]
	if !ok {
		return "generators and hash keys that it has seeded repeat in each; what a request draws itself is new"
	}
	return text
}
