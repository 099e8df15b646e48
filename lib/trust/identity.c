#include "trust/identity.h"

#include <string.h>

#include "base/regex.h"

struct pattern {
	char *exact;
	struct regex *re;
};

struct identity {
	struct pattern subject, issuer;
	char *fact[CERT_FACT_MAX + 1];
};

static void
clear_pattern(struct pattern *p)
{
	free(p->exact);
	regex_free(&p->re);
}

void
identity_free(struct identity **i)
{
	if (*i == NULL)
		return;
	clear_pattern(&(*i)->subject);
	clear_pattern(&(*i)->issuer);
	for (size_t n = 0; n < COUNT_OF((*i)->fact); n++)
		free((*i)->fact[n]);
	free(*i);
	*i = NULL;
}

static int
set_pattern(struct pattern *p, const char *exact, const char *re, const char *what, struct err *e)
{
	if ((exact == NULL) == (re == NULL))
		return err_set(e, ERR_CONFIG, "the %s must be given once, exactly or as a pattern",
			       what);
	if ((exact != NULL ? exact : re)[0] == '\0')
		return err_set(e, ERR_CONFIG, "the %s is empty", what);
	if (exact != NULL) {
		p->exact = strdup(exact);
		return p->exact != NULL ? 0 : err_nomem(e);
	}
	if (regex_new(re, &p->re, e) < 0) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return err_wrap(e, "the %s", what);
	}
	return 0;
}

int
identity_new(const struct identity_rule *rule, struct identity **ret, struct err *e)
{
	AUTO_IDENTITY struct identity *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return err_nomem(e);
	if (set_pattern(&i->subject, rule->subject, rule->subject_re, "certificate identity", e) <
		    0 ||
	    set_pattern(&i->issuer, rule->issuer, rule->issuer_re, "certificate issuer", e) < 0)
		return -1;
	for (size_t n = 0; n < COUNT_OF(i->fact); n++) {
		if (rule->fact[n] == NULL)
			continue;
		i->fact[n] = strdup(rule->fact[n]);
		if (i->fact[n] == NULL)
			return err_nomem(e);
	}
	*ret = TAKE_PTR(i);
	return 0;
}

static bool
matches(const struct pattern *p, const char *text)
{
	return p->re != NULL ? regex_match(p->re, text) : strcmp(p->exact, text) == 0;
}

static int
match_facts(const struct identity *i, const struct cert *c, struct err *e)
{
	for (int n = 0; n <= CERT_FACT_MAX; n++) {
		const char *got = cert_fact(c, n);

		if (i->fact[n] == NULL)
			continue;
		if (got == NULL)
			return err_set(e, ERR_NO,
				       "the certificate has no extension 1.3.6.1.4.1.57264.1.%d",
				       n);
		if (strcmp(got, i->fact[n]) != 0)
			return err_set(e, ERR_NO, "the certificate says '%s' where '%s' is wanted",
				       got, i->fact[n]);
	}
	return 0;
}

int
identity_match(const struct identity *i, const struct cert *c, struct err *e)
{
	const char *subject = cert_san(c), *issuer = cert_issuer(c);

	if (subject == NULL)
		return err_set(e, ERR_NO, "the certificate names nobody");
	if (issuer == NULL)
		return err_set(e, ERR_NO, "the certificate of '%s' names no issuer", subject);
	if (!matches(&i->subject, subject))
		return err_set(e, ERR_NO, "the certificate is of '%s', which is not wanted",
			       subject);
	if (!matches(&i->issuer, issuer))
		return err_set(e, ERR_NO,
			       "the identity of '%s' was checked by '%s', which is not wanted",
			       subject, issuer);
	return match_facts(i, c, e);
}
