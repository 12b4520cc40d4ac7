/* NAME is a Micro: a program that reads its environment and prints a CGI response (RFC 3875). */
#include <stdio.h>
#include <stdlib.h>

static const char *meta(const char *name) {
	const char *value = getenv(name);
	return value ? value : "";
}

int main(void) {
	printf("Content-Type: text/plain; charset=utf-8\r\n\r\n");
	printf("Hello from %s!\n", meta("HTTP_HOST"));
	fprintf(stderr, "said hello\n"); /* standard error is the Micro's log */
	return 0;
}
