// Package bench measures what a module costs, stage by stage: from its bytes to an
// answer through HTTP. The command bench shows it; the suite behind the project's
// claims is in bench/suite.
//
// All of it is measured in one run, contenders in turns, as machines are shared and
// noisy: figures of different runs are not to be compared, ratios within one are.
package bench
