package wasitest

import (
	"fmt"
	"strings"
	"time"
)

// Cases returns the rules of the sandbox, as guests meet them.
func Cases() []Case {
	var all []Case
	for _, some := range [][]Case{timeCases(), memoryCases(), stateCases(), fileCases(), faultCases(), outputCases()} {
		all = append(all, some...)
	}
	return all
}

func timeCases() []Case {
	quick := func(r *Rules) { r.Timeout, r.Memory = quickDeadline, 512<<20 }
	var cases []Case
	for _, guest := range []string{"spin", "recurse", "chain", "fill", "wait", "sleep"} {
		cases = append(cases, Case{Guest: guest, Change: quick, Ended: Deadline, Within: quickDeadline + late})
	}
	return cases
}

func memoryCases() []Case {
	return []Case{
		{Guest: "grow", Ended: OutOfMemory},
		{Guest: "grow-ok", Answer: "128\n"}, // pages of 64 KiB are 8 MiB
		{Guest: "bigmem", Ended: Refused},
		{Guest: "table-grow", Answer: "999010\n"}, // 10 and as many thousands as a million allows
		{Guest: "deep", Answer: "200010000\n"},
		// malloc says so, which is no fault; what the C library needs is gone from the 8 MiB.
		{Guest: "rules", Query: "memory", Answer: "allocated 7 MiB, then 48\n"},
	}
}

func stateCases() []Case {
	return []Case{
		{Guest: "state", Answer: "1\n"},
		{Guest: "vector", Answer: "2\n"},
		{Guest: "tmpwrite", Answer: "fresh\n"},
		{Guest: "echo", Body: strings.Repeat("body", 10_000), Answer: strings.Repeat("body", 10_000)},
		{Guest: "args", Answer: "args.wasm\n-v\n"},
	}
}

func fileCases() []Case {
	return []Case{
		{Guest: "rowrite", Answer: "69\n"},
		{Guest: "rules", Query: "errnos", Answer: errnos()},
		{Guest: "rules", Query: "bytes", Answer: fmt.Sprintf("wrote %d bytes, then 51\n", kitTmp)},
		{Guest: "rules", Query: "holes", Answer: "all of it, by truncation 0\n" +
			"a byte more 51\n" +
			"a byte more, written behind it 51\n" +
			"a byte that overwrites 0\n" +
			"a byte of another file 51\n" +
			"the same, with the full one unlinked but open 51\n" +
			"the same, with it closed 0\n" +
			"allocation of the rest 0\n" +
			"allocation of a byte more 51\n"},
		{Guest: "rules", Query: "names", Answer: fmt.Sprintf("made %d files, then 51\n", kitTmpInodes)},
		{Guest: "rules", Query: "levels", Answer: "made 64 levels, then 37\n"},
		// 256, of which three are streams and two preopens.
		{Guest: "rules", Query: "descriptors", Answer: "opened 251 more, then 33\n"},
	}
}

func faultCases() []Case {
	cases := []Case{
		{Guest: "exit0", Answer: "hello\n"},
		{Guest: "exit3", Ended: Exited},
		{Guest: "overflow", Ended: Trapped},
		{Guest: "trap-late", Ended: Trapped},
		{Guest: "noentry", Ended: Refused},
		{Guest: "unknownimport", Ended: Refused},
		{Guest: "importmem", Ended: Refused},
		{Guest: "trap", Ended: Trapped},
	}
	for _, trap := range []string{"bounds", "convert", "copy", "div", "null", "overflow", "table", "type"} {
		cases = append(cases, Case{Guest: "trap-" + trap, Ended: Trapped})
	}
	return cases
}

func outputCases() []Case {
	return []Case{
		{Guest: "hello", Answer: "hello\n"},
		{Guest: "flush", Answer: "first\nsecond\n"},
		{Guest: "stderr", Answer: "hello\n"},
		{Guest: "nbytes", Query: fmt.Sprint(kitResponse), Answer: strings.Repeat("x", kitResponse)},
		{Guest: "nbytes", Query: fmt.Sprint(kitResponse + 1), Ended: TooLarge},
		{Guest: "bigbody", Ended: TooLarge, Within: 5 * time.Second},
		{Guest: "nohdr", Ended: BadResponse},
		{Guest: "badstatus", Ended: BadResponse},
		{Guest: "badheader", Ended: BadResponse},
		{Guest: "crheader", Ended: BadResponse},
	}
}

// errnos is what the guest rules meets at files, with the numbers of WASI
// preview 1.
func errnos() string {
	return strings.TrimPrefix(`
read a file of the bundle 0
read what is not there 44
read below a file 54
write to the bundle 69
create in the bundle 69
truncate in the bundle 69
make a directory in the bundle 69
remove from the bundle 69
rename in the bundle 69
touch in the bundle 69
move from the bundle 75
link from the bundle 75
leave the bundle 63
open the null device 0
open another device 44
create in /tmp 0
create it again 20
open it as a directory 54
make a directory 0
make it again 20
write to a directory 31
move the file into it 0
remove a full directory 55
unlink a directory 31
remove a file as a directory 54
link to it 0
link to a host's file 63
link out of /tmp 0
follow that 63
do not follow a link 32
a link to itself 0
follow that 32
read a part of a link 0
a long name 37
a negative length 28
close what is not open 8
seek in a stream 70
shut a file down 57
stat /tmp 0
`, "\n")
}
