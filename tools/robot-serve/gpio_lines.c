#include "gpio_lines.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"

#if GPIOD_V == 2
#include <dirent.h>
#endif

struct gpio_lines {
	struct gpiod_chip *chip;
	char label[GPIO_CHIP_MAX + 1];
	size_t n;
	unsigned int offset[GPIO_OUTS_MAX];
	size_t out[GPIO_OUTS_MAX]; /* which output of the plan each is */
	bool held;
#if GPIOD_V == 2
	struct gpiod_line_request *request;
#else
	struct gpiod_line_bulk bulk;
#endif
};

static int
no_chip(const struct gpio_lines *l, struct err *e)
{
	return err_set(e, ERR_SYS, "no GPIO chip '%s' on this machine", l->label);
}

static int
no_line(const struct gpio_lines *l, unsigned int offset, struct err *e)
{
	return err_set(e, ERR_SYS, "GPIO chip '%s' has no line %u", l->label, offset);
}

static int
taken(const struct gpio_lines *l, unsigned int offset, const char *consumer, struct err *e)
{
	return err_set(e, ERR_TEMP, "line %u of '%s' is held by '%s'", offset, l->label,
		       consumer != NULL ? consumer : "somebody else");
}

#if GPIOD_V == 2

static bool
has_label(struct gpiod_chip *chip, const char *label)
{
	struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
	bool same = info != NULL && strcmp(gpiod_chip_info_get_label(info), label) == 0;

	gpiod_chip_info_free(info);
	return same;
}

static int
open_chip(struct gpio_lines *l, struct err *e)
{
	DIR *dir = opendir("/dev");
	struct dirent *d;
	char path[sizeof(d->d_name) + 8];

	while (l->chip == NULL && dir != NULL && (d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, "gpiochip", strlen("gpiochip")) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		l->chip = gpiod_chip_open(path);
		if (l->chip != NULL && !has_label(l->chip, l->label)) {
			gpiod_chip_close(l->chip);
			l->chip = NULL;
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
	return l->chip != NULL ? 0 : no_chip(l, e);
}

/* Why a request failed, in words that name the line. */
static int
explain(const struct gpio_lines *l, int why, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct gpiod_line_info *info = gpiod_chip_get_line_info(l->chip, l->offset[i]);
		int status = 0;

		if (info == NULL)
			return no_line(l, l->offset[i], e);
		if (why == EBUSY && gpiod_line_info_is_used(info))
			status = taken(l, l->offset[i], gpiod_line_info_get_consumer(info), e);
		gpiod_line_info_free(info);
		if (status < 0)
			return status;
	}
	errno = why;
	(void)err_sys(e, "take lines of '%s'", l->label);
	if (why == EBUSY && e != NULL)
		e->code = ERR_TEMP;
	return -1;
}

static int
request(struct gpio_lines *l, const char *consumer, struct err *e)
{
	struct gpiod_line_settings *settings = gpiod_line_settings_new();
	struct gpiod_line_config *lines = gpiod_line_config_new();
	struct gpiod_request_config *config = gpiod_request_config_new();
	int why = ENOMEM;

	if (settings != NULL && lines != NULL && config != NULL) {
		(void)gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT);
		(void)gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE);
		gpiod_request_config_set_consumer(config, consumer);
		if (gpiod_line_config_add_line_settings(lines, l->offset, l->n, settings) == 0)
			l->request = gpiod_chip_request_lines(l->chip, config, lines);
		why = errno;
	}
	gpiod_request_config_free(config);
	gpiod_line_config_free(lines);
	gpiod_line_settings_free(settings);
	return l->request != NULL ? 0 : explain(l, why, e);
}

static int
set_values(struct gpio_lines *l, const int *values)
{
	enum gpiod_line_value v[GPIO_OUTS_MAX];

	for (size_t i = 0; i < l->n; i++)
		v[i] = values[i] ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
	return gpiod_line_request_set_values(l->request, v);
}

static int
get_values(struct gpio_lines *l)
{
	enum gpiod_line_value v[GPIO_OUTS_MAX];

	return gpiod_line_request_get_values(l->request, v);
}

static void
release(struct gpio_lines *l)
{
	gpiod_line_request_release(l->request);
}

#else

static int
open_chip(struct gpio_lines *l, struct err *e)
{
	l->chip = gpiod_chip_open_by_label(l->label);
	return l->chip != NULL ? 0 : no_chip(l, e);
}

static int
find_lines(struct gpio_lines *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->offset[i] >= gpiod_chip_num_lines(l->chip))
			return no_line(l, l->offset[i], e);
	if (gpiod_chip_get_lines(l->chip, l->offset, (unsigned int)l->n, &l->bulk) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOTTY)
		return err_set(e, ERR_SYS,
			       "this kernel does not have the GPIO interface that libgpiod 1 "
			       "speaks (CONFIG_GPIO_CDEV_V1): build robot-serve with libgpiod 2");
	return err_sys(e, "look at lines of '%s'", l->label);
}

static int
request(struct gpio_lines *l, const char *consumer, struct err *e)
{
	static const int zero[GPIO_OUTS_MAX];
	int why;

	if (find_lines(l, e) < 0)
		return -1;
	if (gpiod_line_request_bulk_output(&l->bulk, consumer, zero) == 0)
		return 0;
	why = errno;
	for (size_t i = 0; i < l->n && why == EBUSY; i++) {
		struct gpiod_line *line = gpiod_line_bulk_get_line(&l->bulk, (unsigned int)i);

		if (gpiod_line_update(line) == 0 && gpiod_line_is_used(line))
			return taken(l, l->offset[i], gpiod_line_consumer(line), e);
	}
	errno = why;
	(void)err_sys(e, "take lines of '%s'", l->label);
	if (why == EBUSY && e != NULL)
		e->code = ERR_TEMP;
	return -1;
}

static int
set_values(struct gpio_lines *l, const int *values)
{
	return gpiod_line_set_value_bulk(&l->bulk, values);
}

static int
get_values(struct gpio_lines *l)
{
	int values[GPIO_OUTS_MAX];

	return gpiod_line_get_value_bulk(&l->bulk, values);
}

static void
release(struct gpio_lines *l)
{
	gpiod_line_release_bulk(&l->bulk);
}

#endif

int
gpio_lines_open(const struct gpio_plan *plan, struct gpio_lines **ret, struct err *e)
{
	struct gpio_lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	memcpy(l->label, plan->chip, sizeof(l->label));
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->out[i].line < 0)
			continue;
		l->out[l->n] = i;
		l->offset[l->n++] = (unsigned int)plan->out[i].line;
	}
	if (open_chip(l, e) < 0 || request(l, plan->name, e) < 0) {
		gpio_lines_close(&l);
		return -1;
	}
	l->held = true;
	*ret = l;
	return 0;
}

int
gpio_lines_set(struct gpio_lines *l, const bool on[GPIO_OUTS_MAX], struct err *e)
{
	int values[GPIO_OUTS_MAX];

	for (size_t i = 0; i < l->n; i++)
		values[i] = on[l->out[i]];
	if (set_values(l, values) < 0)
		return err_sys(e, "set lines of '%s'", l->label);
	return 0;
}

int
gpio_lines_check(struct gpio_lines *l, struct err *e)
{
	if (get_values(l) < 0)
		return err_sys(e, "look at lines of '%s'", l->label);
	return 0;
}

void
gpio_lines_close(struct gpio_lines **l)
{
	static const int zero[GPIO_OUTS_MAX];

	if (*l == NULL)
		return;
	if ((*l)->held) {
		(void)set_values(*l, zero);
		release(*l);
	}
	if ((*l)->chip != NULL)
		gpiod_chip_close((*l)->chip);
	free(*l);
	*l = NULL;
}
