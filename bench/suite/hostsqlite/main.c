/* hostsqlite asks the host's SQLite what cmd/spacewasm/testdata/ownsqlite asks its own:
 *
 *     GET /lookup?times=N        looks N rows up by their key
 *     GET /scan?times=N          reads 10,000 rows, N times
 *     GET /total?times=N         has SQLite add 10,000 rows up, N times
 *
 * It answers with the nanoseconds that it took, the number of rows, and what they add up to. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_handler.h"
#include "spacewasm_sqlite.h"

static spacewasm_sqlite_prepared by_id, all, total;

static void prepare(uint32_t db, const char *sql, spacewasm_sqlite_prepared *out) {
	if (spacewasm_sqlite_prepare(db, sql, strlen(sql), 0, out) != SPACEWASM_SQLITE_OK)
		abort();
}

__attribute__((constructor)) static void begin(void) {
	uint32_t db;
	if (spacewasm_sqlite_open("/data.db", 8, 0, &db) != SPACEWASM_SQLITE_OK)
		abort();
	prepare(db, "SELECT name, price, stock FROM items WHERE id = ?", &by_id);
	prepare(db, "SELECT id, name, price, stock FROM items WHERE id >= 0 LIMIT 10000", &all);
	prepare(db, "SELECT count(*), sum(length(name) + price + stock + id) FROM (SELECT * FROM items WHERE id >= 0 LIMIT 10000)", &total);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Adds a row up, whose id it has or not, and returns where the next begins. */
static const char *add(const char *at, const char *end, int has_id, double *sum) {
	static char copy[64]; /* as by whoever keeps it */
	spacewasm_sqlite_value id = {0}, name, price, stock;
	if (has_id)
		at = spacewasm_sqlite_get(at, end, &id);
	at = spacewasm_sqlite_get(at, end, &name);
	at = spacewasm_sqlite_get(at, end, &price);
	at = spacewasm_sqlite_get(at, end, &stock);
	memcpy(copy, name.bytes, name.length < sizeof copy ? name.length : sizeof copy);
	*sum += name.length + price.real + (double)(stock.integer + id.integer);
	return at;
}

/* Runs a statement to its end. */
static int run(const spacewasm_sqlite_prepared *s, int64_t *rows, double *sum) {
	static char buffer[64 << 10];
	int code;
	do {
		spacewasm_sqlite_batch batch;
		code = spacewasm_sqlite_step(s->statement, buffer, sizeof buffer, &batch);
		if (code != SPACEWASM_SQLITE_ROW && code != SPACEWASM_SQLITE_DONE)
			return 0;
		const char *at = buffer, *end = buffer + batch.size;
		if (s == &total) {
			spacewasm_sqlite_value count, value;
			spacewasm_sqlite_get(spacewasm_sqlite_get(at, end, &count), end, &value);
			*rows += count.integer;
			*sum += value.real;
			continue;
		}
		for (uint32_t i = 0; i < batch.rows; i++)
			at = add(at, end, s == &all, sum);
		*rows += batch.rows;
	} while (code == SPACEWASM_SQLITE_ROW);
	return 1;
}

static int measure(const spacewasm_sqlite_prepared *s, int times, char *out, size_t size) {
	double sum = 0;
	int64_t rows = 0, began = now();
	for (int i = 0; i < times; i++) {
		char key[16];
		char *end = spacewasm_sqlite_put_integer(key, (int64_t)i * 7919 % 100000 + 1);
		if (s == &by_id && spacewasm_sqlite_bind(s->statement, key, (size_t)(end - key)) != SPACEWASM_SQLITE_OK)
			return 0;
		if (!run(s, &rows, &sum))
			return 0;
	}
	return snprintf(out, size, "%" PRId64 " %" PRId64 " %.3f\n", now() - began, rows, sum);
}

HTTP_EXPORT(handle_request) uint64_t handle_request(void) {
	char uri[256], out[128];
	uint32_t n = http_get_uri(uri, sizeof uri - 1);
	uri[n < sizeof uri ? n : 0] = 0;
	const char *times = strstr(uri, "times=");
	const spacewasm_sqlite_prepared *s = strncmp(uri, "/lookup", 7) == 0 ? &by_id : strncmp(uri, "/total", 6) == 0 ? &total : &all;
	int size = times == NULL ? 0 : measure(s, atoi(times + 6), out, sizeof out);
	if (size <= 0)
		http_set_status_code(500);
	http_write_body(HTTP_RESPONSE, out, (uint32_t)size);
	return 0; /* there is no next handler */
}

HTTP_EXPORT(handle_response) void handle_response(uint32_t context, uint32_t is_error) {
	(void)context, (void)is_error;
}
