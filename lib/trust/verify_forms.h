/*
 * verify_forms: the forms in which signatures and attestations come.
 *
 * Each part looks at one form, candidate after candidate, and stops as soon as
 * nothing more is wanted, or the store does not answer.
 */
#ifndef GANTRY_TRUST_VERIFY_FORMS_H
#define GANTRY_TRUST_VERIFY_FORMS_H

#include "trust/verify_trial.h"

/* -1 where the trial cannot go on: see its unknown. */
int verify_classic(struct verify_trial *t);
int verify_bundles(struct verify_trial *t);
int verify_att(struct verify_trial *t);

#endif
