package runner

import (
	"fmt"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
	"github.com/spacewasm/spacewasm/wasi"
)

// Node is what the Micros of a node share. What is nil has no end.
type Node struct {
	// Gate bounds the executions.
	Gate *pool.Gate
	// Memory is what instances take from, and Bodies what the bodies of requests
	// do, in bytes.
	Memory, Bodies *pool.Budget
	// Code is what the machine code of Micros takes from that are awake, in bytes. For
	// it others sleep; those that are busy may have more together.
	Code *pool.Budget
	// Tmp, Descriptors and Mappings are those of [wasi.Budgets].
	Tmp, Descriptors, Mappings wasi.Budget
	// Sleeper puts the Micros to sleep; nil puts none.
	Sleeper *Sleeper
	// Instances counts how instances come to be and end; nil counts none.
	Instances *telemetry.Instances
}

// budgets are those of the node's instances.
func (n Node) budgets() wasi.Budgets {
	b := wasi.Budgets{Tmp: n.Tmp, Descriptors: n.Descriptors}
	if n.Memory != nil { // or the interface would not be nil either
		b.Memory = n.reclaiming(n.Memory, n.Sleeper)
	}
	if n.Mappings != nil {
		b.Mappings = n.reclaiming(n.Mappings, nil) // those that sleep have none but idle instances
	}
	return b
}

// reclaiming is a budget of which idle instances, idle connections to databases, and Micros
// that could sleep have a part that they give up when somebody needs it.
func (n Node) reclaiming(b wasi.Budget, sleeper *Sleeper) wasi.Budget {
	return reclaiming{b, n.Gate, sleeper}
}

type reclaiming struct {
	wasi.Budget
	gate    *pool.Gate // nil has no idle instances
	sleeper *Sleeper
}

// Take implements [wasi.Budget].
func (r reclaiming) Take(units int64) bool {
	if r.Budget.Take(units) || r.gate != nil && r.gate.Reclaim() && r.Budget.Take(units) {
		return true
	}
	for r.sleeper.disconnect() || r.sleeper.reclaim(hasSnapshot) {
		if r.Budget.Take(units) {
			return true
		}
	}
	return r.Budget.Take(units) // somebody else may have done it meanwhile
}

// full is the error of a request for which the node has no room. The figures are
// for the server's log: visitors are not to learn how busy others are.
func (n Node) full(message string) *space.Error {
	return &space.Error{Code: space.CodeNodeFull, Message: message, Err: n.figures()}
}

// figures says what is in use.
func (n Node) figures() error {
	taken, waiting := 0, 0
	if n.Gate != nil {
		taken, waiting = n.Gate.Load()
	}
	return fmt.Errorf("the node runs %d with %d in its queue; instances have %s, bodies %s",
		taken, waiting, used(n.Memory), used(n.Bodies))
}

func used(b *pool.Budget) string {
	if b == nil {
		return "no bound"
	}
	return fmt.Sprintf("%d of %d bytes", b.Used(), b.Limit())
}
