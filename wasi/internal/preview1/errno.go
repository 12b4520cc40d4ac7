package preview1

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Errno is an error of WASI preview 1; the zero value is success.
type Errno uint16

// The errors that this package returns, with the numbers of the specification.
const (
	errno2Big        Errno = 1
	errnoAcces       Errno = 2
	errnoAgain       Errno = 6
	errnoBadf        Errno = 8
	errnoBusy        Errno = 10
	errnoConnAborted Errno = 13
	errnoConnReset   Errno = 15
	errnoDquot       Errno = 19
	errnoExist       Errno = 20
	errnoFault       Errno = 21
	errnoFbig        Errno = 22
	errnoIlseq       Errno = 25
	errnoIntr        Errno = 27
	errnoInval       Errno = 28
	errnoIO          Errno = 29
	errnoIsdir       Errno = 31
	errnoLoop        Errno = 32
	errnoMfile       Errno = 33
	errnoMlink       Errno = 34
	errnoNametoolong Errno = 37
	errnoNfile       Errno = 41
	errnoNodev       Errno = 43
	errnoNoent       Errno = 44
	errnoNomem       Errno = 48
	errnoNospc       Errno = 51
	errnoNosys       Errno = 52
	errnoNotconn     Errno = 53
	errnoNotdir      Errno = 54
	errnoNotempty    Errno = 55
	errnoNotsock     Errno = 57
	errnoNotsup      Errno = 58
	errnoNxio        Errno = 60
	errnoOverflow    Errno = 61
	errnoPerm        Errno = 63
	errnoPipe        Errno = 64
	errnoRofs        Errno = 69
	errnoSpipe       Errno = 70
	errnoTxtbsy      Errno = 74
	errnoXdev        Errno = 75
	errnoNotcapable  Errno = 76
)

// Error names the number, as guests' libraries have the words.
func (e Errno) Error() string { return fmt.Sprintf("WASI errno %d", uint16(e)) }

// errnoOf is the one translation from errors of the host to those of a guest. An
// error that no guest can have caused is an I/O error to it.
func errnoOf(err error) Errno {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[Errno](err); ok {
		return e
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return fromHost(e)
	}
	if errors.Is(err, os.ErrClosed) {
		return errnoBadf
	}
	return errnoIO
}

//nolint:funlen // a table
func fromHost(e syscall.Errno) Errno {
	switch e {
	case syscall.E2BIG:
		return errno2Big
	case syscall.EACCES:
		return errnoAcces
	case syscall.EAGAIN:
		return errnoAgain
	case syscall.EBADF:
		return errnoBadf
	case syscall.EBUSY:
		return errnoBusy
	case syscall.ECONNABORTED:
		return errnoConnAborted
	case syscall.ECONNRESET:
		return errnoConnReset
	case syscall.EDQUOT:
		return errnoDquot
	case syscall.EEXIST:
		return errnoExist
	case syscall.EFBIG:
		return errnoFbig
	case syscall.EINTR:
		return errnoIntr
	case syscall.EINVAL:
		return errnoInval
	case syscall.EISDIR:
		return errnoIsdir
	case syscall.ELOOP:
		return errnoLoop
	case syscall.EMFILE:
		return errnoMfile
	case syscall.EMLINK:
		return errnoMlink
	case syscall.ENAMETOOLONG:
		return errnoNametoolong
	case syscall.ENFILE:
		return errnoNfile
	case syscall.ENODEV:
		return errnoNodev
	case syscall.ENOENT:
		return errnoNoent
	case syscall.ENOMEM:
		return errnoNomem
	case syscall.ENOSPC:
		return errnoNospc
	case syscall.ENOSYS:
		return errnoNosys
	case syscall.ENOTCONN:
		return errnoNotconn
	case syscall.ENOTDIR:
		return errnoNotdir
	case syscall.ENOTEMPTY:
		return errnoNotempty
	case syscall.ENOTSUP:
		return errnoNotsup
	case syscall.ENXIO:
		return errnoNxio
	case syscall.EOVERFLOW:
		return errnoOverflow
	case syscall.EPERM:
		return errnoPerm
	case syscall.EPIPE:
		return errnoPipe
	case syscall.EROFS:
		return errnoRofs
	case syscall.ESPIPE:
		return errnoSpipe
	case syscall.ETXTBSY:
		return errnoTxtbsy
	case syscall.EXDEV:
		return errnoXdev
	default:
		return errnoIO
	}
}
