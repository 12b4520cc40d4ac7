/* hello-c: a Micro is any program that reads its environment and prints a CGI response (RFC 3875). */
#include <stdio.h>
#include <stdlib.h>

static const char *meta(const char *name) {
	const char *value = getenv(name);
	return value ? value : "";
}

int main(void) {
	printf("Content-Type: text/plain; charset=utf-8\r\n\r\n");
	printf("Hello from C!\n");
	printf("%s %s on %s\n", meta("REQUEST_METHOD"), meta("REQUEST_URI"), meta("HTTP_HOST"));
	fprintf(stderr, "said hello\n"); /* standard error is the Micro's log */
	return 0;
}
