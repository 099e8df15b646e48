/*
 * upload: blobs whose upload to a registry was begun and not finished, so that
 * the next run goes on where this one stopped.
 *
 * One small file an upload, in a folder of the caller's; what is written there
 * is a hint and never trusted: the registry says what it has, and bytes that
 * this process did not hash itself are read back.  All functions cope with a
 * folder that is NULL, missing or full: then nothing is remembered.
 */
#ifndef GANTRY_OCI_UPLOAD_H
#define GANTRY_OCI_UPLOAD_H

#include "oci/digest.h"

#define UPLOAD_LOCATION_MAX 4096
#define UPLOAD_DAYS	    7 /* registries forget theirs as well */

struct upload {
	char location[UPLOAD_LOCATION_MAX]; /* where the next bytes go; "" for none */
	int64_t offset;			    /* how many are there */
	int64_t synced_ms;		    /* when this was last sure to survive a power loss */
};

/* name: "HOST/REPO".  False if nothing is remembered. */
bool upload_load(const char *dir, const char *name, const struct digest *d, struct upload *ret);
/* Replaces what was remembered; at most once a second it waits for the disk. */
void upload_save(const char *dir, const char *name, const struct digest *d, struct upload *u);
void upload_drop(const char *dir, const char *name, const struct digest *d);
/* Forget what is older than UPLOAD_DAYS. */
void upload_tidy(const char *dir);

#endif
