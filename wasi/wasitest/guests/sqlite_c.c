// A CGI program that asks the database /data.db what QUERY_STRING says, percent
// decoded, or else the body; a + is one. The answer is a line for each row of each
// statement, its values with a | between them, and then a line that says "done" or
// what has failed, with the code. Behind a first line "bind" each line of the SQL up
// to an empty one is bound as a text.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../micro/sqlite/spacewasm_sqlite.h"

static char text[1 << 16], rows[4 << 10], values[1 << 16], part[1 << 10];

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

// asked reads what is asked, and returns its length.
static size_t asked(void) {
  const char *query = getenv("QUERY_STRING");
  if (!query || !*query) return fread(text, 1, sizeof text, stdin);
  size_t n = 0;
  for (; *query && n < sizeof text; query++) {
    if (query[0] == '%' && query[1] && query[2]) {
      text[n++] = (char)(digit(query[1]) << 4 | digit(query[2]));
      query += 2;
    } else {
      text[n++] = *query;
    }
  }
  return n;
}

static int failed(const char *what, int code) {
  char message[512];
  spacewasm_sqlite_failure failure = {0};
  spacewasm_sqlite_error(message, sizeof message, &failure);
  int n = failure.size < sizeof message ? (int)failure.size : (int)sizeof message;
  printf("%s: %d at %d: %.*s\n", what, code, failure.offset, n, message);
  return 0;
}

// kept prints a value that was not sent, in parts.
static int kept(uint32_t statement, uint32_t column, uint32_t length) {
  for (uint32_t at = 0, n; at < length; at += n) {
    int code = spacewasm_sqlite_column(statement, column, at, part, sizeof part, &n);
    if (code || !n) return failed("column", code);
    fwrite(part, 1, n, stdout);
  }
  return 1;
}

static int print(uint32_t statement, uint32_t columns, spacewasm_sqlite_batch batch) {
  const void *at = rows, *end = rows + batch.size;
  for (uint32_t row = 0; row < batch.rows; row++) {
    for (uint32_t i = 0; i < columns; i++) {
      spacewasm_sqlite_value value;
      at = spacewasm_sqlite_get(at, end, &value);
      if (!at) return failed("row", 0);
      if (i) putchar('|');
      switch (value.type) {
      case SPACEWASM_SQLITE_NULL: printf("NULL"); break;
      case SPACEWASM_SQLITE_INTEGER: printf("%lld", (long long)value.integer); break;
      case SPACEWASM_SQLITE_FLOAT: printf("%.17g", value.real); break;
      case SPACEWASM_SQLITE_TEXT: fwrite(value.bytes, 1, value.length, stdout); break;
      case SPACEWASM_SQLITE_BLOB:
        for (uint32_t b = 0; b < value.length; b++) printf("%02x", (unsigned char)value.bytes[b]);
        break;
      default:
        if (!kept(statement, i, value.length)) return 0;
      }
    }
    putchar('\n');
  }
  return 1;
}

static int run(uint32_t statement, uint32_t columns, size_t bound) {
  int code = bound ? spacewasm_sqlite_bind(statement, values, bound) : 0;
  if (code) return failed("bind", code);
  do {
    spacewasm_sqlite_batch batch;
    code = spacewasm_sqlite_step(statement, rows, sizeof rows, &batch);
    if (code != SPACEWASM_SQLITE_ROW && code != SPACEWASM_SQLITE_DONE) return failed("step", code);
    if (!print(statement, columns, batch)) return 0;
  } while (code == SPACEWASM_SQLITE_ROW);
  code = spacewasm_sqlite_finalize(statement);
  return code ? failed("finalize", code) : 1;
}

int main(void) {
  printf("Content-Type: text/plain\r\n\r\n");
  size_t length = asked(), bound = 0;
  const char *sql = text, *end = text + length;
  if (length > 5 && !memcmp(sql, "bind\n", 5)) {
    char *at = values;
    for (sql += 5; sql < end && *sql != '\n';) {
      const char *line = memchr(sql, '\n', (size_t)(end - sql));
      if (!line) line = end;
      if (sizeof values - (size_t)(at - values) < 5 + (size_t)(line - sql)) break;
      at = spacewasm_sqlite_put_bytes(at, SPACEWASM_SQLITE_TEXT, sql, (uint32_t)(line - sql));
      sql = line < end ? line + 1 : end;
    }
    bound = (size_t)(at - values);
  }
  uint32_t database;
  int code = spacewasm_sqlite_open("/data.db", 8, 0, &database);
  if (code) return failed("open", code);
  while (sql < end) {
    spacewasm_sqlite_prepared p;
    code = spacewasm_sqlite_prepare(database, sql, (size_t)(end - sql), 0, &p);
    if (code) return failed("prepare", code);
    if (!p.read) return failed("prepare reads nothing", code);
    sql += p.read;
    if (p.statement && !run(p.statement, p.columns, bound)) return 0;
  }
  code = spacewasm_sqlite_close(database);
  if (code) return failed("close", code);
  puts("done");
  return 0;
}
