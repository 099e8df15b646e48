#ifndef GANTRY_DEPLOY_SHOW_H
#define GANTRY_DEPLOY_SHOW_H

#include "fleet/site.h"
#include "options.h"

/* --status and --history: from the journal and, if they answer, the engines. */
int show(const struct options *o, struct site_opts *so, struct err *e);

#endif
