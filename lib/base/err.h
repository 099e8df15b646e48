/*
 * err: one error, owned by the caller, last in the argument list.
 *
 * A function that can fail returns -1 (or NULL) and fills *e; on success it
 * leaves *e alone.  e may be NULL when the caller only wants to know that it
 * failed.  Messages say what failed and then why, in lower case, with no full
 * stop and with subjects in single quotes; callers add the outer context in
 * front with err_wrap.  A message that is too long is cut, never lost.
 */
#ifndef GANTRY_BASE_ERR_H
#define GANTRY_BASE_ERR_H

#define ERR_MSG_MAX 768 /* a digest, a URL and three sentences */

/* What went wrong, as far as the caller's next step depends on it. */
enum err_code {
	ERR_NONE = 0,
	ERR_NO,		 /* found out, and the answer is no */
	ERR_DATA,	 /* bytes from outside are not what they must be */
	ERR_NOTFOUND,	 /* asked for something that is not there */
	ERR_AUTH,	 /* the other side refuses us */
	ERR_ROLLED_BACK, /* failed, and everything changed was taken back */
	ERR_STUCK,	 /* could not be taken back: a person is needed */
	ERR_NOTARGET,	 /* nothing to go back to */
	ERR_SPACE,	 /* not enough disk space, nothing was changed */
	ERR_USAGE,	 /* the command line is wrong */
	ERR_SYS,	 /* this machine is at fault */
	ERR_TEMP,	 /* not now; the same command may work later */
	ERR_CONFIG,	 /* the configuration is wrong */
};

struct err {
	enum err_code code;
	char msg[ERR_MSG_MAX];
};

/* Fill *e (if any) and return -1, so that raising is one statement. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends ": " and strerror(errno).
 * ENOSPC and EDQUOT raise ERR_SPACE, everything else ERR_SYS. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "fmt: " in front of the message that is there; the code stays. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory, said the same way everywhere. */
int err_nomem(struct err *e);

/* The exit status of CONTRACT for an error: 1, 3, 5, 6, 7, 64, 71, 75 or 78. */
int err_exit(const struct err *e);

#endif
