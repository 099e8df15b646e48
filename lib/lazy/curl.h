/*
 * curl: libcurl only when it is needed.
 *
 * It brings forty other libraries, which take 8 MB and 10 ms to load.  A program
 * that mostly does without is not linked to it but to curl.c: the library's
 * functions are there, and pass on to it once lazy_curl has loaded it.  A
 * function that is missing there is an error when the program is linked.
 *
 * What is in this folder is no part of libgantry.a; see the Makefile's lazy_*.
 */
#ifndef GANTRY_LAZY_CURL_H
#define GANTRY_LAZY_CURL_H

#include "base/err.h"

/* Before any of its functions is called, by the thread that will call them or
 * one that starts it.  ERR_SYS. */
int lazy_curl(struct err *e);

#endif
