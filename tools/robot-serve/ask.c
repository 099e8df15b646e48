#include "ask.h"

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
