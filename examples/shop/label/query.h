/* Parameters of a query (application/x-www-form-urlencoded), and what of them can stand in XML. */
#ifndef QUERY_H
#define QUERY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static int hex(char c) {
	if (c >= '0' && c <= '9') return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
	return -1;
}

/* Decodes the first parameter of the name into out, with a NUL behind it. Returns its size, or -1 if it is not there, is
 * badly encoded or does not fit. */
static int parameter(const char *query, const char *name, char *out, size_t room) {
	size_t name_len = strlen(name), n = 0;
	while (query && !(strncmp(query, name, name_len) == 0 && query[name_len] == '=')) {
		query = strchr(query, '&');
		if (query) query++;
	}
	if (!query) return -1;
	for (const char *c = query + name_len + 1; *c && *c != '&'; c++) {
		char decoded = *c == '+' ? ' ' : *c;
		if (*c == '%') {
			int high = hex(c[1]), low = high < 0 ? -1 : hex(c[2]);
			if (low < 0) return -1;
			decoded = (char)(high << 4 | low);
			c += 2;
		}
		if (n + 1 >= room) return -1;
		out[n++] = decoded;
	}
	out[n] = 0;
	return (int)n;
}

/* Decodes the character at s (RFC 3629) and says how many bytes it has; 0 if it is none, or none that XML can hold. */
static int decode(const unsigned char *s, int left) {
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > left) return 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if (s[i] >> 6 != 2) return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	int control = c < 0x20 || (c >= 0x7f && c < 0xa0), surrogate = c >= 0xd800 && c < 0xe000;
	if (c < least[n] || control || surrogate || c > 0x10ffff || (c & 0xfffe) == 0xfffe) return 0;
	return n;
}

/* Counts the characters of a text of so many bytes; -1 if one of them cannot be shown. */
static int characters(const char *text, int bytes) {
	int count = 0;
	for (int i = 0; i < bytes; count++) {
		int n = decode((const unsigned char *)text + i, bytes - i);
		if (n == 0) return -1;
		i += n;
	}
	return count;
}

#endif
