/* An archive as SOURCE: unpacked, listed, and its manifests read. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "oci/archive.h"
#include "oci/registry.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char path[] = "/tmp/gantry-fuzz-XXXXXX";
	int fd = mkstemp(path);
	struct store *s = NULL;
	char **tags = NULL;
	size_t n = 0;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size &&
	    archive_open(path, "archive", &s, NULL) == 0 && store_tags(s, &tags, &n, NULL) == 0) {
		for (size_t i = 0; i < n; i++) {
			struct manifest m = { 0 };

			if (store_manifest(s, tags[i], &m, NULL) == 0) {
				struct descriptor *all = NULL;
				size_t found;

				(void)store_referrers(s, &m.digest, &all, &found, NULL);
				free(all);
			}
			manifest_clear(&m);
		}
		registry_tags_free(tags, n);
	}
	store_close(&s);
	(void)close(fd);
	(void)unlink(path);
	return 0;
}
