/*
 * lines: libgpiod for machines without GPIO, to be preloaded.  One chip,
 * labelled "fake", has the lines 0 to 31; line N is the file N in the folder
 * $FAKE_GPIO, with its value; N.by has its holder.  A line is held by a lock
 * on its file.  Like a Raspberry Pi's, a line stays as it is when it is let
 * go of.  $FAKE_GPIO/old-kernel: a kernel that libgpiod 1 cannot speak to.
 * $FAKE_GPIO/gone: the chip is not there, or not any more.
 * $FAKE_GPIO/hang: one in which taking a line hangs while that file is there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LABEL "fake"
#define LINES 32

struct gpiod_chip {
	int unused;
};

static struct gpiod_chip the_chip;

static bool
there(const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("FAKE_GPIO"), name);
	return access(path, F_OK) == 0;
}

static int
open_file(unsigned int line, const char *suffix, int flags)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%u%s", getenv("FAKE_GPIO"), line, suffix);
	return open(path, flags | O_CLOEXEC, 0644);
}

/* A descriptor that holds the line, or -1 with EBUSY. */
static int
take(unsigned int line, const char *consumer, int value)
{
	int fd = open_file(line, "", O_RDWR | O_CREAT), by;

	while (there("hang"))
		(void)usleep(10000);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (fd >= 0)
			(void)close(fd);
		errno = EBUSY;
		return -1;
	}
	by = open_file(line, ".by", O_WRONLY | O_CREAT | O_TRUNC);
	if (write(by, consumer, strlen(consumer)) < 0 || pwrite(fd, value ? "1" : "0", 1, 0) != 1)
		abort();
	(void)close(by);
	return fd;
}

static bool
held(unsigned int line)
{
	int fd = open_file(line, "", O_RDWR | O_CREAT);
	bool is = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;

	if (fd >= 0)
		(void)close(fd);
	return is;
}

static const char *
holder(unsigned int line)
{
	static char name[64];
	int by = open_file(line, ".by", O_RDONLY);
	ssize_t n = by >= 0 ? read(by, name, sizeof(name) - 1) : 0;

	if (by >= 0)
		(void)close(by);
	name[n > 0 ? n : 0] = '\0';
	return name;
}

void
gpiod_chip_close(struct gpiod_chip *chip)
{
	(void)chip;
}

#if GPIOD_V == 2

/* Chips are looked for in /dev, where $FAKE_GPIO/dev is seen instead. */
DIR *
opendir(const char *name)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/dev", getenv("FAKE_GPIO"));
	fd = open(strcmp(name, "/dev") == 0 ? path : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fdopendir(fd) : NULL;
}

struct gpiod_line_request {
	size_t n;
	int fd[LINES];
};

struct gpiod_line_config {
	size_t n;
	unsigned int offset[LINES];
};

struct gpiod_request_config {
	char consumer[64];
};

struct gpiod_line_settings {
	int unused;
};

struct gpiod_line_info {
	unsigned int line;
};

struct gpiod_chip_info {
	int unused;
};

struct gpiod_chip *
gpiod_chip_open(const char *path)
{
	return strcmp(path, "/dev/gpiochip-fake") == 0 && !there("gone") ? &the_chip : NULL;
}

struct gpiod_chip_info *
gpiod_chip_get_info(struct gpiod_chip *chip)
{
	(void)chip;
	return calloc(1, sizeof(struct gpiod_chip_info));
}

const char *
gpiod_chip_info_get_label(struct gpiod_chip_info *info)
{
	(void)info;
	return LABEL;
}

void
gpiod_chip_info_free(struct gpiod_chip_info *info)
{
	free(info);
}

struct gpiod_line_info *
gpiod_chip_get_line_info(struct gpiod_chip *chip, unsigned int offset)
{
	struct gpiod_line_info *info = calloc(1, sizeof(*info));

	(void)chip;
	info->line = offset;
	if (offset < LINES)
		return info;
	free(info);
	errno = EINVAL;
	return NULL;
}

void
gpiod_line_info_free(struct gpiod_line_info *info)
{
	free(info);
}

bool
gpiod_line_info_is_used(struct gpiod_line_info *info)
{
	return held(info->line);
}

const char *
gpiod_line_info_get_consumer(struct gpiod_line_info *info)
{
	return holder(info->line);
}

struct gpiod_line_settings *
gpiod_line_settings_new(void)
{
	return calloc(1, sizeof(struct gpiod_line_settings));
}

void
gpiod_line_settings_free(struct gpiod_line_settings *settings)
{
	free(settings);
}

int
gpiod_line_settings_set_direction(struct gpiod_line_settings *settings, enum gpiod_line_direction d)
{
	(void)settings;
	return d == GPIOD_LINE_DIRECTION_OUTPUT ? 0 : -1;
}

int
gpiod_line_settings_set_output_value(struct gpiod_line_settings *settings, enum gpiod_line_value v)
{
	(void)settings;
	return v == GPIOD_LINE_VALUE_INACTIVE ? 0 : -1;
}

struct gpiod_line_config *
gpiod_line_config_new(void)
{
	return calloc(1, sizeof(struct gpiod_line_config));
}

void
gpiod_line_config_free(struct gpiod_line_config *config)
{
	free(config);
}

int
gpiod_line_config_add_line_settings(struct gpiod_line_config *config, const unsigned int *offsets,
				    size_t n, struct gpiod_line_settings *settings)
{
	(void)settings;
	memcpy(config->offset, offsets, n * sizeof(*offsets));
	config->n = n;
	return 0;
}

struct gpiod_request_config *
gpiod_request_config_new(void)
{
	return calloc(1, sizeof(struct gpiod_request_config));
}

void
gpiod_request_config_free(struct gpiod_request_config *config)
{
	free(config);
}

void
gpiod_request_config_set_consumer(struct gpiod_request_config *config, const char *consumer)
{
	(void)snprintf(config->consumer, sizeof(config->consumer), "%s", consumer);
}

int
gpiod_line_request_get_values(struct gpiod_line_request *request, enum gpiod_line_value *values)
{
	for (size_t i = 0; i < request->n; i++)
		values[i] = GPIOD_LINE_VALUE_INACTIVE;
	errno = ENODEV;
	return there("gone") ? -1 : 0;
}

void
gpiod_line_request_release(struct gpiod_line_request *request)
{
	for (size_t i = 0; i < request->n; i++)
		(void)close(request->fd[i]);
	free(request);
}

struct gpiod_line_request *
gpiod_chip_request_lines(struct gpiod_chip *chip, struct gpiod_request_config *config,
			 struct gpiod_line_config *lines)
{
	struct gpiod_line_request *r = calloc(1, sizeof(*r));

	(void)chip;
	for (; r->n < lines->n; r->n++) {
		if (lines->offset[r->n] >= LINES)
			errno = EINVAL;
		else if ((r->fd[r->n] = take(lines->offset[r->n], config->consumer, 0)) >= 0)
			continue;
		int why = errno;

		gpiod_line_request_release(r);
		errno = why;
		return NULL;
	}
	return r;
}

int
gpiod_line_request_set_values(struct gpiod_line_request *request,
			      const enum gpiod_line_value *values)
{
	for (size_t i = 0; i < request->n; i++)
		if (pwrite(request->fd[i], values[i] == GPIOD_LINE_VALUE_ACTIVE ? "1" : "0", 1,
			   0) != 1)
			return -1;
	return 0;
}

#else

struct gpiod_line {
	unsigned int line;
	int fd;
};

static struct gpiod_line the_lines[LINES];

struct gpiod_chip *
gpiod_chip_open_by_label(const char *label)
{
	return strcmp(label, LABEL) == 0 && !there("gone") ? &the_chip : NULL;
}

unsigned int
gpiod_chip_num_lines(struct gpiod_chip *chip)
{
	(void)chip;
	return LINES;
}

int
gpiod_chip_get_lines(struct gpiod_chip *chip, unsigned int *offsets, unsigned int n,
		     struct gpiod_line_bulk *bulk)
{
	(void)chip;
	if (there("old-kernel")) {
		errno = EINVAL;
		return -1;
	}
	bulk->num_lines = n;
	for (unsigned int i = 0; i < n; i++) {
		bulk->lines[i] = &the_lines[offsets[i]];
		bulk->lines[i]->line = offsets[i];
	}
	return 0;
}

int
gpiod_line_request_bulk_output(struct gpiod_line_bulk *bulk, const char *consumer,
			       const int *values)
{
	for (unsigned int i = 0; i < bulk->num_lines; i++) {
		bulk->lines[i]->fd = take(bulk->lines[i]->line, consumer, values[i]);
		if (bulk->lines[i]->fd >= 0)
			continue;
		while (i-- > 0)
			(void)close(bulk->lines[i]->fd);
		errno = EBUSY;
		return -1;
	}
	return 0;
}

int
gpiod_line_set_value_bulk(struct gpiod_line_bulk *bulk, const int *values)
{
	for (unsigned int i = 0; i < bulk->num_lines; i++)
		if (pwrite(bulk->lines[i]->fd, values[i] ? "1" : "0", 1, 0) != 1)
			return -1;
	return 0;
}

int
gpiod_line_get_value_bulk(struct gpiod_line_bulk *bulk, int *values)
{
	memset(values, 0, bulk->num_lines * sizeof(*values));
	errno = ENODEV;
	return there("gone") ? -1 : 0;
}

void
gpiod_line_release_bulk(struct gpiod_line_bulk *bulk)
{
	for (unsigned int i = 0; i < bulk->num_lines; i++)
		(void)close(bulk->lines[i]->fd);
}

int
gpiod_line_update(struct gpiod_line *line)
{
	(void)line;
	return 0;
}

bool
gpiod_line_is_used(struct gpiod_line *line)
{
	return held(line->line);
}

const char *
gpiod_line_consumer(struct gpiod_line *line)
{
	return holder(line->line);
}

#endif
