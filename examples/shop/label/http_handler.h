/* The functions of the http-wasm handler ABI (https://http-wasm.io/http-handler-abi) that a small handler needs. The host
 * writes at most `limit` bytes to `buf` and returns how many there are; if those are more, it has written none. */
#ifndef HTTP_HANDLER_H
#define HTTP_HANDLER_H

#include <stdint.h>

#define HTTP_IMPORT(name) __attribute__((import_module("http_handler"), import_name(#name)))
#define HTTP_EXPORT(name) __attribute__((export_name(#name)))

/* Kinds of headers and bodies. */
enum http_kind { HTTP_REQUEST = 0, HTTP_RESPONSE = 1 };

HTTP_IMPORT(get_method) uint32_t http_get_method(char *buf, uint32_t limit);
HTTP_IMPORT(get_uri) uint32_t http_get_uri(char *buf, uint32_t limit);
/* The values of a header, each with a NUL behind it: their number in the upper half of the result, their size in the lower. */
HTTP_IMPORT(get_header_values)
uint64_t http_get_header_values(uint32_t kind, const char *name, uint32_t name_len, char *buf, uint32_t limit);
/* The size of what was read in the lower half, 1 in the upper if there is no more. */
HTTP_IMPORT(read_body) uint64_t http_read_body(uint32_t kind, char *buf, uint32_t limit);

HTTP_IMPORT(set_status_code) void http_set_status_code(uint32_t status);
HTTP_IMPORT(set_header_value)
void http_set_header_value(uint32_t kind, const char *name, uint32_t name_len, const char *value, uint32_t value_len);
HTTP_IMPORT(write_body) void http_write_body(uint32_t kind, const char *body, uint32_t body_len);
HTTP_IMPORT(log) void http_log(int32_t level, const char *message, uint32_t message_len);

#endif
