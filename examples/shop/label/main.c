/* label: an SVG shipping label with the order's number as a barcode, from the parameters of a query:
 * /?order=HS-ABCD2345&name=Ada+Lovelace&street=Harbour+Lane+1&city=12345+Port */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "code128.h"
#include "http_handler.h"
#include "query.h"

enum {
	MAX_CHARACTERS = 60, /* of a line */
	FITS = 26,           /* characters, as wide as the label */
	MAX_ORDER = 16,      /* characters */
	MAX_BYTES = 4 * MAX_CHARACTERS + 1,
	MARGIN = 24,
	WIDTH = 480,
	HEIGHT = 300,
	MODULE = 2, /* width of the thinnest bar: (16 + 3) symbols of 11 of them, and 2 */
};

/* The answer, made here as a whole: a request begins with memory as it was at the push. */
static char answer[32 << 10];
static size_t answered;

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...) {
	va_list args;
	va_start(args, format);
	int n = vsnprintf(answer + answered, sizeof answer - answered, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof answer - answered) answered += (size_t)n;
}

static void header(const char *name, const char *value) {
	http_set_header_value(HTTP_RESPONSE, name, (uint32_t)strlen(name), value, (uint32_t)strlen(value));
}

static uint64_t refuse(uint32_t status, const char *why) {
	http_set_status_code(status);
	header("Content-Type", "text/plain; charset=utf-8");
	http_write_body(HTTP_RESPONSE, why, (uint32_t)strlen(why));
	return 0; /* there is no next handler */
}

/* Writes a line of the address. One that is too long is squeezed to the label's width. */
static void put_line(int y, int size, const char *text) {
	put("<text x=\"%d\" y=\"%d\" font-size=\"%d\"", MARGIN, y, size);
	if (characters(text, (int)strlen(text)) > FITS) put(" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"", WIDTH - 2 * MARGIN);
	put(">");
	for (; *text; text++) {
		switch (*text) {
		case '<': put("&lt;"); break;
		case '>': put("&gt;"); break;
		case '&': put("&amp;"); break;
		default: put("%c", *text);
		}
	}
	put("</text>\n");
}

/* Writes the order's number as bars, and as text below them. */
static void put_barcode(const char *order) {
	unsigned char symbols[MAX_ORDER + 3];
	int count = code128(order, symbols), x = MARGIN;
	put("<path d=\"");
	for (int i = 0; i < count; i++) {
		int bar = 1;
		for (const char *w = code128_widths[symbols[i]]; *w; w++, bar = !bar) {
			int width = MODULE * (*w - '0');
			if (bar) put("M%d 190h%dv66h-%dz", x, width, width);
			x += width;
		}
	}
	put("\"/>\n<text x=\"%d\" y=\"280\" font-size=\"16\" letter-spacing=\"3\">%s</text>\n", MARGIN, order);
}

static void put_label(const char *order, char lines[3][MAX_BYTES]) {
	put("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n", WIDTH, HEIGHT, WIDTH, HEIGHT);
	put("<title>Shipping label of the order %s</title>\n", order);
	put("<rect width=\"%d\" height=\"%d\" rx=\"12\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
	put("<path d=\"M0 168h%d\" stroke=\"#111\" stroke-width=\"2\"/>\n<g fill=\"#111\">\n", WIDTH);
	put("<text x=\"%d\" y=\"36\" font-size=\"16\">To</text>\n", MARGIN);
	put_line(72, 28, lines[0]);
	put_line(110, 26, lines[1]);
	put_line(146, 26, lines[2]);
	put_barcode(order);
	put("</g>\n</svg>\n");
}

/* A number of an order is what a barcode reader, a file's name and a person can have. */
static int good_order(const char *order, int length) {
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	return length > 0 && length <= MAX_ORDER && strspn(order, good) == (size_t)length;
}

HTTP_EXPORT(handle_request) uint64_t handle_request(void) {
	char method[8], uri[4096], order[MAX_ORDER + 2], lines[3][MAX_BYTES];
	static const char *const names[] = {"name", "street", "city"};
	uint32_t method_len = http_get_method(method, sizeof method);
	if (!(method_len == 3 && !memcmp(method, "GET", 3)) && !(method_len == 4 && !memcmp(method, "HEAD", 4))) {
		header("Allow", "GET, HEAD");
		return refuse(405, "want GET\n");
	}
	uint32_t uri_len = http_get_uri(uri, sizeof uri - 1);
	if (uri_len > sizeof uri - 1) return refuse(414, "the address is too long\n");
	uri[uri_len] = 0;
	const char *query = strchr(uri, '?');
	if (query) query++;
	if (!good_order(order, parameter(query, "order", order, sizeof order))) {
		return refuse(400, "order: want 1 to 16 capital letters, digits and hyphens\n");
	}
	for (int i = 0; i < 3; i++) {
		int n = parameter(query, names[i], lines[i], sizeof lines[i]), count = n < 0 ? -1 : characters(lines[i], n);
		if (count < 1 || count > MAX_CHARACTERS) return refuse(400, "name, street, city: want 1 to 60 characters of each\n");
	}
	put_label(order, lines);
	header("Content-Type", "image/svg+xml");
	header("Content-Security-Policy", "default-src 'none'");
	header("X-Content-Type-Options", "nosniff");
	header("Cache-Control", "private, max-age=3600");
	http_write_body(HTTP_RESPONSE, answer, (uint32_t)answered);
	return 0;
}

HTTP_EXPORT(handle_response) void handle_response(uint32_t context, uint32_t is_error) {
	(void)context, (void)is_error;
}
