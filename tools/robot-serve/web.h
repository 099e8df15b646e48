/*
 * web: the files of web/, which are part of the program.
 */
#ifndef GANTRY_ROBOT_SERVE_WEB_H
#define GANTRY_ROBOT_SERVE_WEB_H

#include "base/buf.h"

struct view web_page_html(void);
struct view web_page_css(void);
struct view web_page_js(void);

#endif
