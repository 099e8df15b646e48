#include "records.h"

#include <stdio.h>

#include "base/jsn.h"
#include "base/progress.h"

void
records_ref(const struct run *o, const struct ref *r)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *text = NULL;
	char name[REF_STR_MAX];

	ref_print(r, name);
	if (!o->cli.json) {
		(void)printf("%s\n", name);
		return;
	}
	v = jsn_object();
	jsn_set_str(v, "ref", name);
	jsn_set_str(v, "tag", r->tag);
	jsn_set_str(v, "digest", r->digest.str);
	text = jsn_dump(v);
	(void)printf("%s\n", text != NULL ? text : "{}");
}

/* A server's words must not become a record of their own. */
static void
print_words(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f)
			(void)printf("\\x%02x", c);
		else
			(void)putchar(c);
	}
}

void
records_result(const struct run *o, enum tally_state result, const char *ref, const char *reason)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *text = NULL;

	o->tally->tags[result]++;
	progress_hide();
	if (!o->cli.json) {
		(void)printf("%s ", tally_word(result));
		print_words(ref);
		if (reason != NULL) {
			(void)putchar(' ');
			print_words(reason);
		}
		(void)putchar('\n');
	} else {
		v = jsn_object();
		jsn_set_str(v, "result", tally_word(result));
		jsn_set_str(v, "ref", ref);
		if (reason != NULL)
			jsn_set_str(v, "reason", reason);
		text = jsn_dump(v);
		(void)printf("%s\n", text != NULL ? text : "{}");
	}
	(void)fflush(stdout);
	progress_show();
}
