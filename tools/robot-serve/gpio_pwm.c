#include "gpio_pwm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/scope.h"

#define PATH_BYTES 96

static int
open_file(int chip, int channel, const char *name, int flags)
{
	char path[PATH_BYTES];

	if (channel < 0)
		(void)snprintf(path, sizeof(path), "/sys/class/pwm/pwmchip%d/%s", chip, name);
	else
		(void)snprintf(path, sizeof(path), "/sys/class/pwm/pwmchip%d/pwm%d/%s", chip,
			       channel, name);
	return open(path, flags | O_CLOEXEC);
}

static int
put(int fd, int64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64 "\n", n);

	return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -1;
}

static int
put_file(int chip, int channel, const char *name, int64_t n)
{
	AUTO_FD int fd = open_file(chip, channel, name, O_WRONLY);

	return fd >= 0 ? put(fd, n) : -1;
}

/* One that somebody left inverted would be full on at 0.  It can only be turned while it is off. */
static int
set_upright(int chip, int channel, struct err *e)
{
	static const char normal[] = "normal\n";
	AUTO_FD int fd = open_file(chip, channel, "polarity", O_RDWR);
	char now[sizeof(normal)] = "";

	if (fd >= 0 && pread(fd, now, sizeof(now) - 1, 0) > 0 && strcmp(now, normal) == 0)
		return 0;
	(void)put_file(chip, channel, "enable", 0);
	if (fd < 0 || pwrite(fd, normal, strlen(normal), 0) != (ssize_t)strlen(normal))
		return err_sys(e, "set channel %d of pwmchip%d to normal polarity", channel, chip);
	return 0;
}

int
gpio_pwm_open(const struct gpio_out *out, struct gpio_pwm *ret, struct err *e)
{
	int chip = out->pwmchip, channel = out->channel;
	AUTO_FD int fd = -1;

	/* one that was killed has left its channel exported */
	if (put_file(chip, -1, "export", channel) < 0 && errno != EBUSY)
		return err_sys(e, "export channel %d of pwmchip%d", channel, chip);
	fd = open_file(chip, channel, "duty_cycle", O_WRONLY);
	if (fd < 0)
		return err_sys(e, "open channel %d of pwmchip%d", channel, chip);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_TEMP, "channel %d of pwmchip%d is held by somebody else",
			       channel, chip);
	if (set_upright(chip, channel, e) < 0)
		return -1;
	ret->period_ns = 1000000000 / out->hz;
	/* the period may never be shorter than the duty, so that goes first */
	(void)put(fd, 0);
	if (put_file(chip, channel, "period", ret->period_ns) < 0 || put(fd, 0) < 0 ||
	    put_file(chip, channel, "enable", 1) < 0)
		return err_sys(e, "start channel %d of pwmchip%d", channel, chip);
	ret->chip = chip;
	ret->channel = channel;
	ret->fd = TAKE_FD(fd);
	return 0;
}

int
gpio_pwm_set(const struct gpio_pwm *p, uint16_t duty, struct err *e)
{
	if (put(p->fd, p->period_ns * duty / GPIO_FULL) < 0)
		return err_sys(e, "set channel %d of pwmchip%d", p->channel, p->chip);
	return 0;
}

void
gpio_pwm_close(struct gpio_pwm *p)
{
	if (p->fd < 0)
		return;
	(void)put(p->fd, 0);
	(void)put_file(p->chip, p->channel, "enable", 0);
	(void)close(TAKE_FD(p->fd));
	(void)put_file(p->chip, -1, "unexport", p->channel);
}
