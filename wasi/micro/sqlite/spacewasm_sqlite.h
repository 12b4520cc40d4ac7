/*
 * SQLite of the host, for modules in C: the ABI of docs/sqlite-abi.md, version 1.
 * Compile with clang --target=wasm32-wasi; there is nothing to link with.
 *
 * All functions return a code of SQLite's (https://www.sqlite.org/rescode.html), and
 * none traps. Texts are UTF-8 with a length, without a NUL behind them. Numbers that
 * name something are never 0.
 */
#ifndef SPACEWASM_SQLITE_H
#define SPACEWASM_SQLITE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SPACEWASM_SQLITE(name) \
  __attribute__((import_module("spacewasm_sqlite_v1"), import_name(#name)))

enum {
  SPACEWASM_SQLITE_OK = 0,
  SPACEWASM_SQLITE_ERROR = 1,
  SPACEWASM_SQLITE_TOOBIG = 18,
  SPACEWASM_SQLITE_MISUSE = 21, /* no such number, or not in memory */
  SPACEWASM_SQLITE_ROW = 100,   /* there is more */
  SPACEWASM_SQLITE_DONE = 101   /* these were the last */
};

/* The first byte of a value. */
enum {
  SPACEWASM_SQLITE_NULL = 0,
  SPACEWASM_SQLITE_INTEGER = 1, /* an int64_t follows */
  SPACEWASM_SQLITE_FLOAT = 2,   /* a double follows */
  SPACEWASM_SQLITE_TEXT = 3,    /* a uint32_t follows, and so many bytes */
  SPACEWASM_SQLITE_BLOB = 4,
  SPACEWASM_SQLITE_TEXT_KEPT = 5, /* a uint32_t follows; spacewasm_sqlite_column */
  SPACEWASM_SQLITE_BLOB_KEPT = 6  /* reads the bytes */
};

/* The length of an optional text that is none. */
#define SPACEWASM_SQLITE_ABSENT UINT32_MAX

/* A buffer of this size for each column always takes a row. */
#define SPACEWASM_SQLITE_COLUMN_BYTES 68

typedef struct {
  uint32_t statement;  /* 0 where there was none but space and comments */
  uint32_t read;       /* the length of what was read of the text */
  uint32_t parameters; /* how many it has */
  uint32_t columns;
} spacewasm_sqlite_prepared;

typedef struct {
  uint32_t rows; /* how many were written */
  uint32_t size; /* the length of all */
} spacewasm_sqlite_batch;

typedef struct {
  uint32_t blob;
  uint32_t size;
} spacewasm_sqlite_opened;

typedef struct {
  int32_t code;
  int32_t offset; /* in the text of SQL, in bytes, or -1 */
  uint32_t size;  /* the length of the message, which may be more than is written */
} spacewasm_sqlite_failure;

/* Opens a database file of the bundle; a path begins at the working directory, "/". */
SPACEWASM_SQLITE(open)
int32_t spacewasm_sqlite_open(const char *path, size_t length, uint32_t flags, uint32_t *database);

/* Closes it with its statements and blobs. */
SPACEWASM_SQLITE(close)
int32_t spacewasm_sqlite_close(uint32_t database);

/* Compiles the first statement of a text. flags is 0. */
SPACEWASM_SQLITE(prepare)
int32_t spacewasm_sqlite_prepare(uint32_t database, const char *sql, size_t length, uint32_t flags,
                                 spacewasm_sqlite_prepared *out);

/* For each column its name, declared type, table and column, each an optional text.
 * Nothing is written if the size is more than the capacity. */
SPACEWASM_SQLITE(columns)
int32_t spacewasm_sqlite_columns(uint32_t statement, void *buffer, size_t capacity, uint32_t *size);

/* For each parameter its name with its sign, an optional text. */
SPACEWASM_SQLITE(parameters)
int32_t spacewasm_sqlite_parameters(uint32_t statement, void *buffer, size_t capacity, uint32_t *size);

/* Resets a statement, and gives its parameters values; those beyond are NULL. */
SPACEWASM_SQLITE(bind)
int32_t spacewasm_sqlite_bind(uint32_t statement, const void *values, size_t length);

/* Runs a statement, and writes as many rows as there is room for. ROW: ask again for
 * more. DONE: these were the last. */
SPACEWASM_SQLITE(step)
int32_t spacewasm_sqlite_step(uint32_t statement, void *buffer, size_t capacity, spacewasm_sqlite_batch *out);

/* Reads a part of a value of the last row that was written. */
SPACEWASM_SQLITE(column)
int32_t spacewasm_sqlite_column(uint32_t statement, uint32_t column, uint32_t offset, void *buffer,
                                size_t length, uint32_t *read);

/* Begins again at the next step; the values stay bound. */
SPACEWASM_SQLITE(reset)
int32_t spacewasm_sqlite_reset(uint32_t statement);

/* Frees a statement. */
SPACEWASM_SQLITE(finalize)
int32_t spacewasm_sqlite_finalize(uint32_t statement);

/* Opens the blob, or text, in a column of the row with that rowid. */
SPACEWASM_SQLITE(blob_open)
int32_t spacewasm_sqlite_blob_open(uint32_t database, const char *table, size_t table_length, const char *column,
                                   size_t column_length, int64_t row, spacewasm_sqlite_opened *out);

/* Reads a part of a blob, all of which must be in it. */
SPACEWASM_SQLITE(blob_read)
int32_t spacewasm_sqlite_blob_read(uint32_t blob, uint32_t offset, void *buffer, size_t length);

/* Frees a blob. */
SPACEWASM_SQLITE(blob_close)
int32_t spacewasm_sqlite_blob_close(uint32_t blob);

/* Has the queries of a database end so many nanoseconds from now, with 9
   (SQLITE_INTERRUPT); 0: with the request only. */
SPACEWASM_SQLITE(deadline)
int32_t spacewasm_sqlite_deadline(uint32_t database, int64_t nanoseconds);

/* What the last call that failed had to say. */
SPACEWASM_SQLITE(error)
int32_t spacewasm_sqlite_error(char *buffer, size_t capacity, spacewasm_sqlite_failure *out);

/* A value of a row. */
typedef struct {
  int type;
  int64_t integer;
  double real;
  const char *bytes; /* in the buffer; NULL if they were not sent */
  uint32_t length;
} spacewasm_sqlite_value;

/* Reads the value at a place in a row, and returns the place behind it, or NULL where
 * there is none before the end. */
static inline const void *spacewasm_sqlite_get(const void *at, const void *end, spacewasm_sqlite_value *value) {
  const char *p = (const char *)at;
  size_t left = (size_t)((const char *)end - p);
  *value = (spacewasm_sqlite_value){0};
  if (left < 1) return NULL;
  value->type = *p++;
  left--;
  switch (value->type) {
  case SPACEWASM_SQLITE_NULL:
    return p;
  case SPACEWASM_SQLITE_INTEGER:
    if (left < 8) return NULL;
    memcpy(&value->integer, p, 8);
    return p + 8;
  case SPACEWASM_SQLITE_FLOAT:
    if (left < 8) return NULL;
    memcpy(&value->real, p, 8);
    return p + 8;
  case SPACEWASM_SQLITE_TEXT:
  case SPACEWASM_SQLITE_BLOB:
  case SPACEWASM_SQLITE_TEXT_KEPT:
  case SPACEWASM_SQLITE_BLOB_KEPT:
    if (left < 4) return NULL;
    memcpy(&value->length, p, 4);
    p += 4;
    if (value->type >= SPACEWASM_SQLITE_TEXT_KEPT) return p;
    if (left - 4 < value->length) return NULL;
    value->bytes = p;
    return p + value->length;
  }
  return NULL;
}

/* Write a value that is bound, and return the place behind it. There must be room: 9
 * bytes, or 5 and those of the text. */
static inline void *spacewasm_sqlite_put_null(void *at) {
  *(char *)at = SPACEWASM_SQLITE_NULL;
  return (char *)at + 1;
}

static inline void *spacewasm_sqlite_put_integer(void *at, int64_t value) {
  *(char *)at = SPACEWASM_SQLITE_INTEGER;
  memcpy((char *)at + 1, &value, 8);
  return (char *)at + 9;
}

static inline void *spacewasm_sqlite_put_float(void *at, double value) {
  *(char *)at = SPACEWASM_SQLITE_FLOAT;
  memcpy((char *)at + 1, &value, 8);
  return (char *)at + 9;
}

/* The type is SPACEWASM_SQLITE_TEXT or SPACEWASM_SQLITE_BLOB. */
static inline void *spacewasm_sqlite_put_bytes(void *at, int type, const void *bytes, uint32_t length) {
  *(char *)at = (char)type;
  memcpy((char *)at + 1, &length, 4);
  memcpy((char *)at + 5, bytes, length);
  return (char *)at + 5 + length;
}

#endif
