package preview1

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// ModuleName is the module from which guests import.
const ModuleName = "wasi_snapshot_preview1"

// Export adds the functions to a host module. Guests must be called with a
// context of [WithProcess].
func Export(builder wazero.HostModuleBuilder) {
	for _, f := range functions() {
		results := []api.ValueType{api.ValueTypeI32}
		run := errnoFunction(f.call)
		if f.name == "proc_exit" {
			results, run = nil, f.plain
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(run, f.types(), results).Export(f.name)
	}
}

// function is one function of the specification.
type function struct {
	name string
	// params has a letter for each parameter: i is an i32, I an i64.
	params string
	call   func(call) error
}

func (f function) types() []api.ValueType {
	types := make([]api.ValueType, len(f.params))
	for i, c := range f.params {
		types[i] = api.ValueTypeI32
		if c == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

// errnoFunction makes a host function of one that may fail.
func errnoFunction(do func(call) error) api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		c := newCall(ctx, m, stack)
		stack[0] = uint64(errnoOf(do(c)))
	}
}

// plain makes a host function of one that returns nothing.
func (f function) plain(ctx context.Context, m api.Module, stack []uint64) {
	_ = f.call(newCall(ctx, m, stack)) // which does not return
}

func newCall(ctx context.Context, m api.Module, stack []uint64) call {
	p, ok := ctx.Value(processKey{}).(*Process)
	if !ok {
		panic("preview1: a guest was called without a process in its context")
	}
	c := call{ctx: ctx, p: p, mem: m.Memory(), stack: stack}
	c.alive()
	return c
}

// functions lists all functions of the specification, in its order.
func functions() []function {
	return []function{
		{"args_get", "ii", argsGet},
		{"args_sizes_get", "ii", argsSizesGet},
		{"environ_get", "ii", environGet},
		{"environ_sizes_get", "ii", environSizesGet},
		{"clock_res_get", "ii", clockResGet},
		{"clock_time_get", "iIi", clockTimeGet},
		{"fd_advise", "iIIi", fdAdvise},
		{"fd_allocate", "iII", fdAllocate},
		{"fd_close", "i", fdClose},
		{"fd_datasync", "i", fdDatasync},
		{"fd_fdstat_get", "ii", fdFdstatGet},
		{"fd_fdstat_set_flags", "ii", fdFdstatSetFlags},
		{"fd_fdstat_set_rights", "iII", fdFdstatSetRights},
		{"fd_filestat_get", "ii", fdFilestatGet},
		{"fd_filestat_set_size", "iI", fdFilestatSetSize},
		{"fd_filestat_set_times", "iIIi", fdFilestatSetTimes},
		{"fd_pread", "iiiIi", fdPread},
		{"fd_prestat_get", "ii", fdPrestatGet},
		{"fd_prestat_dir_name", "iii", fdPrestatDirName},
		{"fd_pwrite", "iiiIi", fdPwrite},
		{"fd_read", "iiii", fdRead},
		{"fd_readdir", "iiiIi", fdReaddir},
		{"fd_renumber", "ii", fdRenumber},
		{"fd_seek", "iIii", fdSeek},
		{"fd_sync", "i", fdSync},
		{"fd_tell", "ii", fdTell},
		{"fd_write", "iiii", fdWrite},
		{"path_create_directory", "iii", pathCreateDirectory},
		{"path_filestat_get", "iiiii", pathFilestatGet},
		{"path_filestat_set_times", "iiiiIIi", pathFilestatSetTimes},
		{"path_link", "iiiiiii", pathLink},
		{"path_open", "iiiiiIIii", pathOpen},
		{"path_readlink", "iiiiii", pathReadlink},
		{"path_remove_directory", "iii", pathRemoveDirectory},
		{"path_rename", "iiiiii", pathRename},
		{"path_symlink", "iiiii", pathSymlink},
		{"path_unlink_file", "iii", pathUnlinkFile},
		{"poll_oneoff", "iiii", pollOneoff},
		{"proc_exit", "i", procExit},
		{"proc_raise", "i", procRaise},
		{"sched_yield", "", schedYield},
		{"random_get", "ii", randomGet},
		{"sock_accept", "iii", sockAccept},
		{"sock_recv", "iiiiii", sockRecv},
		{"sock_send", "iiiii", sockSend},
		{"sock_shutdown", "ii", sockShutdown},
	}
}
