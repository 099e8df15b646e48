/*
 * notify: a deployment's end, told to people by a webhook.
 *
 * POST of one JSON object: event ("deployed", "rolled-back", "failed",
 * "stuck"), text (a sentence), and what the journal knows of the deployment:
 * deployment, kind, image, tag, digest, services, result, reason, time; host; evidence, where a
 * folder of it was left (evidence.h).
 * With a Slack channel only {"channel", "text"}, which is what Slack's incoming
 * webhooks (and Mattermost's) understand.
 *
 * The URL is a secret: it is in no message.
 */
#ifndef GANTRY_FLEET_NOTIFY_H
#define GANTRY_FLEET_NOTIFY_H

#include <stdint.h>

#include "fleet/journal.h"

struct notify {
	const char *url;
	const char *channel; /* "" or NULL: not Slack's form */
	int64_t ms;	     /* how long it may take in all, with three more tries */
	const volatile bool *stop;
};

/* What is to be told of the deployments that ended, or turned out to be stuck
 * (the last one, if it has no end), after the first n records of the journal:
 * an array of objects, the caller's. */
int notify_news(const struct journal *j, size_t n, const char *host, struct json_t **ret,
		struct err *e);
/* Send one of them.  ERR_TEMP if it could not be delivered, ERR_DATA if it was
 * refused. */
int notify_send(const struct notify *n, const struct json_t *news, struct err *e);

#endif
