/* NAME is a Micro: a program that reads its environment and prints a CGI response (RFC 3875). */
#include <stdio.h>
#include <stdlib.h>

static const char *meta(const char *name) {
	const char *value = getenv(name);
	return value ? value : "";
}

/*
 * A database of SQLite's beside this file is queried by the host; there is nothing to
 * link with. To try it, make one, and the 0 a 1:
 *
 *   sqlite3 data.db "create table notes(id integer primary key, text); insert into notes(text) values('hello'), ('world')"
 */
#define WITH_DATABASE 0

#if WITH_DATABASE
#include "spacewasm_sqlite.h"

static void failed(const char *what) {
	char message[256];
	spacewasm_sqlite_failure failure;
	spacewasm_sqlite_error(message, sizeof message, &failure);
	uint32_t size = failure.size < sizeof message ? failure.size : sizeof message;
	fprintf(stderr, "%s: %.*s (%d)\n", what, (int)size, message, failure.code);
}

/* notes prints those whose id is not below a number. */
static void notes(int64_t from) {
	static const char path[] = "/data.db", sql[] = "select id, text from notes where id >= ? order by id";
	static char rows[64 << 10]; /* a batch of them: as many as there is room for */
	char values[9];             /* of the parameters, one after another */
	uint32_t database;
	spacewasm_sqlite_prepared prepared;
	spacewasm_sqlite_batch batch;
	int code;

	if (spacewasm_sqlite_open(path, strlen(path), 0, &database)) return failed("open");
	if (spacewasm_sqlite_prepare(database, sql, strlen(sql), 0, &prepared)) return failed("prepare");
	spacewasm_sqlite_put_integer(values, from);
	if (spacewasm_sqlite_bind(prepared.statement, values, sizeof values)) return failed("bind");
	do {
		code = spacewasm_sqlite_step(prepared.statement, rows, sizeof rows, &batch);
		if (code != SPACEWASM_SQLITE_ROW && code != SPACEWASM_SQLITE_DONE) return failed("step");
		const void *at = rows, *end = rows + batch.size;
		for (uint32_t i = 0; i < batch.rows; i++) {
			spacewasm_sqlite_value id, text; /* one for each column */
			at = spacewasm_sqlite_get(at, end, &id);
			at = spacewasm_sqlite_get(at, end, &text);
			if (text.bytes) printf("%lld %.*s\n", (long long)id.integer, (int)text.length, text.bytes);
			/* else it is NULL, no text, or too long for the buffer: spacewasm_sqlite_column reads that in parts */
		}
	} while (code == SPACEWASM_SQLITE_ROW);
	spacewasm_sqlite_close(database); /* with its statements */
}
#endif

int main(void) {
	printf("Content-Type: text/plain; charset=utf-8\r\n\r\n");
	printf("Hello from %s!\n", meta("HTTP_HOST"));
#if WITH_DATABASE
	notes(1);
#endif
	fprintf(stderr, "said hello\n"); /* standard error is the Micro's log */
	return 0;
}
