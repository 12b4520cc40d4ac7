/* The file system that a SQLite without an operating system is given: files of the Micro's folder, which can be read only. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite3-binding.h"

struct file {
	sqlite3_file base;
	int fd;
};

static int file_close(sqlite3_file *f) {
	return close(((struct file *)f)->fd) == 0 ? SQLITE_OK : SQLITE_IOERR_CLOSE;
}

static int file_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 offset) {
	int done = 0;
	while (done < n) {
		ssize_t got = pread(((struct file *)f)->fd, (char *)buf + done, (size_t)(n - done), offset + done);
		if (got < 0)
			return SQLITE_IOERR_READ;
		if (got == 0) {
			memset((char *)buf + done, 0, (size_t)(n - done));
			return SQLITE_IOERR_SHORT_READ;
		}
		done += (int)got;
	}
	return SQLITE_OK;
}

static int file_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 offset) {
	return pwrite(((struct file *)f)->fd, buf, (size_t)n, offset) == n ? SQLITE_OK : errno == EROFS ? SQLITE_READONLY : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
	return ftruncate(((struct file *)f)->fd, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
	struct stat st;
	if (fstat(((struct file *)f)->fd, &st) != 0)
		return SQLITE_IOERR_FSTAT;
	*size = st.st_size;
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags) {
	return SQLITE_OK;
}

/* Nobody else writes, so that there is nothing to lock against. */
static int file_lock(sqlite3_file *f, int level) {
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *out) {
	*out = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg) {
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f) {
	return 0;
}

/* The bundle does not change while the Micro runs. */
static int file_characteristics(sqlite3_file *f) {
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_characteristics,
};

/* As SQLite's own file systems do, a file that cannot be written is opened for reading, and what tries to write it learns. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *opened) {
	memset(f, 0, sizeof(struct file));
	if (name == NULL)
		return SQLITE_CANTOPEN; /* a temporary file: they are in memory */
	int fd = -1;
	if (flags & SQLITE_OPEN_READWRITE)
		fd = open(name, O_RDWR | (flags & SQLITE_OPEN_CREATE ? O_CREAT : 0), 0600);
	if (fd < 0) {
		flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
		fd = open(name, O_RDONLY);
	}
	if (fd < 0)
		return SQLITE_CANTOPEN;
	((struct file *)f)->fd = fd;
	f->pMethods = &methods;
	if (opened != NULL)
		*opened = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
	return unlink(name) == 0 ? SQLITE_OK : errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
	*out = access(name, flags == SQLITE_ACCESS_READWRITE ? R_OK | W_OK : F_OK) == 0;
	return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *vfs, const char *name, int size, char *out) {
	sqlite3_snprintf(size, out, "%s", name);
	return strlen(name) < (size_t)size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out) {
	const int most = 256; /* of getentropy at a time */
	int done = n < most ? n : most;
	return getentropy(out, (size_t)done) == 0 ? done : 0;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
	return 0;
}

/* Milliseconds since noon in Greenwich on November 24, 4714 B.C. */
static int vfs_time64(sqlite3_vfs *vfs, sqlite3_int64 *out) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	*out = 210866760000000LL + (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *out) {
	sqlite3_int64 now;
	vfs_time64(vfs, &now);
	*out = (double)now / 86400000.0;
	return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int size, char *out) {
	return errno;
}

int sqlite3_os_init(void) {
	static sqlite3_vfs vfs = {
		.iVersion = 2,
		.szOsFile = sizeof(struct file),
		.mxPathname = 512,
		.zName = "wasi",
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_error,
		.xCurrentTimeInt64 = vfs_time64,
	};
	return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) {
	return SQLITE_OK;
}
