/* handler-c: hello-c as a handler. Its memory is made once, at the push; a request is a call. */
#include <stdio.h>
#include <string.h>

#include "http_handler.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

HTTP_EXPORT(handle_request) uint64_t handle_request(void) {
	char method[32], uri[1024], host[256], body[1400];
	uint32_t method_len = MIN(http_get_method(method, sizeof method), sizeof method);
	uint32_t uri_len = http_get_uri(uri, sizeof uri);
	if (uri_len > sizeof uri) {
		http_set_status_code(414);
		return 0;
	}
	uint64_t hosts = http_get_header_values(HTTP_REQUEST, "host", 4, host, sizeof host);
	int host_len = hosts >> 32 == 1 && (uint32_t)hosts <= sizeof host ? (int)(uint32_t)hosts - 1 : 0;
	int n = snprintf(body, sizeof body, "Hello from C!\n%.*s %.*s on %.*s\n", (int)method_len, method, (int)uri_len, uri, host_len, host);
	static const char name[] = "Content-Type", value[] = "text/plain; charset=utf-8", said[] = "said hello";
	http_set_header_value(HTTP_RESPONSE, name, sizeof name - 1, value, sizeof value - 1);
	http_write_body(HTTP_RESPONSE, body, (uint32_t)MIN(n, (int)sizeof body - 1));
	http_log(0, said, sizeof said - 1); /* the Micro's log */
	return 0; /* there is no next handler */
}

HTTP_EXPORT(handle_response) void handle_response(uint32_t context, uint32_t is_error) {
	(void)context, (void)is_error;
}
