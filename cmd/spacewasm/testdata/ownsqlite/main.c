/* ownsqlite is a Micro with a SQLite of its own, which reads the database in its folder by the file system; it is open in the snapshot.
 *
 *     POST /                     runs the SQL of the body, and gives the rows: see give()
 *     GET /write                 tries to write, by the file system's own functions, and tells their errors
 *     GET /lookup?times=N        looks N rows up by their key
 *     GET /scan?times=N          reads 10,000 rows, N times
 *     GET /total?times=N         has SQLite add 10,000 rows up, N times
 *
 * The last three are what bench/suite measures. They answer with the nanoseconds that it took, and what the rows add up to. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http_handler.h"
#include "sqlite3-binding.h"

static sqlite3 *db;
static sqlite3_stmt *by_id, *all, *total;
static char out[64 << 10];
static size_t used;

/* What has no room flushes what is there. */
static void put(const char *format, ...) {
	for (int again = 0; again < 2; again++) {
		va_list args;
		va_start(args, format);
		int n = vsnprintf(out + used, sizeof out - used, format, args);
		va_end(args);
		if (n >= 0 && (size_t)n < sizeof out - used) {
			used += (size_t)n;
			return;
		}
		http_write_body(HTTP_RESPONSE, out, (uint32_t)used);
		used = 0;
	}
}

__attribute__((constructor)) static void begin(void) {
	if (sqlite3_open_v2("/data.db", &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		fprintf(stderr, "/data.db: %s\n", sqlite3_errmsg(db));
		abort();
	}
	/* Databases that are not measured have no such table. */
	sqlite3_prepare_v2(db, "SELECT name, price, stock FROM items WHERE id = ?", -1, &by_id, NULL);
	sqlite3_prepare_v2(db, "SELECT id, name, price, stock FROM items WHERE id >= 0 LIMIT 10000", -1, &all, NULL);
	sqlite3_prepare_v2(db, "SELECT count(*), sum(length(name) + price + stock + id) FROM (SELECT * FROM items WHERE id >= 0 LIMIT 10000)", -1, &total, NULL);
}

/* A row is a line, its values one after another with a tab between: the type, and a number, or the bytes in hexadecimal. */
static void give(sqlite3_stmt *s) {
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		if (i > 0)
			put("\t");
		switch (sqlite3_column_type(s, i)) {
		case SQLITE_INTEGER:
			put("int:%" PRId64, (int64_t)sqlite3_column_int64(s, i));
			break;
		case SQLITE_FLOAT: {
			double d = sqlite3_column_double(s, i);
			uint64_t bits;
			memcpy(&bits, &d, sizeof bits);
			put("float:%016" PRIx64, bits);
			break;
		}
		case SQLITE_NULL:
			put("null:");
			break;
		default: {
			put(sqlite3_column_type(s, i) == SQLITE_TEXT ? "text:" : "blob:");
			const unsigned char *b = sqlite3_column_blob(s, i);
			for (int n = sqlite3_column_bytes(s, i); n > 0; n--)
				put("%02x", *b++);
		}
		}
	}
	put("\n");
}

static void run(const char *sql) {
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	if (rc == SQLITE_OK) {
		while ((rc = sqlite3_step(s)) == SQLITE_ROW)
			give(s);
	}
	if (rc != SQLITE_DONE)
		put("error:%d %s\n", sqlite3_extended_errcode(db), sqlite3_errmsg(db));
	sqlite3_finalize(s);
}

static void ask(void) {
	static char sql[16 << 10];
	uint32_t n = 0;
	for (;;) {
		uint64_t r = http_read_body(HTTP_REQUEST, sql + n, (uint32_t)(sizeof sql - 1 - n));
		n += (uint32_t)r;
		if (r >> 32)
			break;
		if (n >= sizeof sql - 1) {
			http_set_status_code(413);
			return;
		}
	}
	sql[n] = 0;
	run(sql);
}

/* The file system is asked itself, as SQLite does not try what it knows to be in vain. */
static void try_to_write(void) {
	int fd = open("/data.db", O_RDWR);
	put("open: %s\n", fd < 0 ? strerror(errno) : "done");
	fd = open("/data.db-journal", O_CREAT | O_WRONLY, 0600);
	put("create: %s\n", fd < 0 ? strerror(errno) : "done");
	put("unlink: %s\n", unlink("/data.db") < 0 ? strerror(errno) : "done");
	fd = open("/data.db", O_RDONLY);
	put("write: %s\n", write(fd, "x", 1) < 0 ? strerror(errno) : "done");
	close(fd);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What name, price and stock of a row add up to, which are its columns from i on, and its id. The name is copied, as by whoever keeps it. */
static double sum_of(sqlite3_stmt *s, int i, int64_t id) {
	static char name[64];
	int n = sqlite3_column_bytes(s, i);
	memcpy(name, sqlite3_column_text(s, i), (size_t)(n < (int)sizeof name ? n : (int)sizeof name));
	return n + sqlite3_column_double(s, i + 1) + (double)(sqlite3_column_int64(s, i + 2) + id);
}

static void measure(const char *what, int times) {
	sqlite3_stmt *s = strcmp(what, "/lookup") == 0 ? by_id : strcmp(what, "/total") == 0 ? total : all;
	double sum = 0;
	int64_t rows = 0, began = now();
	for (int i = 0; i < times; i++) {
		if (s == by_id)
			sqlite3_bind_int64(s, 1, (int64_t)i * 7919 % 100000 + 1);
		for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
			if (s == total) {
				rows += sqlite3_column_int64(s, 0) - 1;
				sum += sqlite3_column_double(s, 1);
			} else {
				sum += s == by_id ? sum_of(s, 0, 0) : sum_of(s, 1, sqlite3_column_int64(s, 0));
			}
		}
		sqlite3_reset(s);
	}
	put("%" PRId64 " %" PRId64 " %.3f\n", now() - began, rows, sum);
}

HTTP_EXPORT(handle_request) uint64_t handle_request(void) {
	char uri[256];
	uint32_t n = http_get_uri(uri, sizeof uri - 1);
	if (n > sizeof uri - 1) {
		http_set_status_code(414);
		return 0;
	}
	uri[n] = 0;
	char *query = strchr(uri, '?');
	if (query != NULL)
		*query++ = 0;
	if (strcmp(uri, "/write") == 0)
		try_to_write();
	else if (by_id != NULL && all != NULL && total != NULL && query != NULL && strncmp(query, "times=", 6) == 0)
		measure(uri, atoi(query + 6));
	else
		ask();
	http_write_body(HTTP_RESPONSE, out, (uint32_t)used);
	used = 0;
	return 0; /* there is no next handler */
}

HTTP_EXPORT(handle_response) void handle_response(uint32_t context, uint32_t is_error) {
	(void)context, (void)is_error;
}
