/*
 * place: a store that is no registry, by its name.
 */
#ifndef GANTRY_OCI_PLACE_H
#define GANTRY_OCI_PLACE_H

#include "oci/store.h"

/* r: of a layout or an archive (ref_parse_place), its tag and digest do not
 * matter.  write: it is made, or added to. */
int place_open(const struct ref *r, bool write, struct store **ret, struct err *e);

#endif
