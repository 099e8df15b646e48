#include "ask.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *
ask_header(const struct ask *a, const char *name)
{
	return a->header(a->connection, name);
}

const char *
ask_form(const struct ask *a, const char *name)
{
	for (size_t i = 0; i < a->fields; i++)
		if (strcmp(a->form[i].name, name) == 0)
			return a->form[i].value;
	return NULL;
}

size_t
ask_unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p != '\0'; p++) {
		char hex[3] = "";

		if (p[0] == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]))
			memcpy(hex, p + 1, 2);
		if (hex[0] != '\0' && strcmp(hex, "00") != 0) {
			*out++ = (char)strtoul(hex, NULL, 16);
			p += 2;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}
