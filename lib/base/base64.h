/*
 * base64: bytes as text (RFC 4648), read strictly.
 *
 * Reading takes the standard alphabet with its padding, or the URL-safe one
 * (section 5) with or without; never both in one text, no white space, no
 * bits that are not zero behind the last byte.  So one text has one meaning,
 * and equal bytes can be compared instead of equal texts.
 */
#ifndef GANTRY_BASE_BASE64_H
#define GANTRY_BASE_BASE64_H

#include "base/buf.h"

/* Appends to ret.  ERR_DATA "what: not base64", or that ret is full. */
int base64_decode(struct view text, const char *what, struct buf *ret, struct err *e);
/* Standard alphabet, padded; appends. */
void base64_encode(struct view bytes, struct buf *ret);

#endif
