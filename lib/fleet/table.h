/*
 * table: records for people, in columns under a heading.
 */
#ifndef GANTRY_FLEET_TABLE_H
#define GANTRY_FLEET_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 12

struct json_t;

struct table_column {
	const char *key; /* of the records; its value is a string */
	const char *heading;
};

/* Append the table to out: a column is as wide as its widest cell, digests are
 * cut short, nothing is "-", control bytes are "?".  colour: bold headings, and
 * what is amiss in red. */
void table_make(const struct json_t *records, const struct table_column *columns, size_t n,
		bool colour, struct buf *out);
/* A digest's short form in out, anything else as it is; lent. */
const char *table_cell(const char *key, const char *value, char out[32]);

#endif
