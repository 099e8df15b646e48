#include "web.h"

#define WEB "tools/robot-serve/web/"

/* The assembler takes the files in as they are: no generator, no step between. */
#define EMBED(name, file)                                                                \
	__asm__(".pushsection .rodata\n"                                                 \
		"web_" #name "_start:\n"                                                 \
		".incbin \"" WEB file "\"\n"                                             \
		"web_" #name "_end:\n"                                                   \
		".byte 0\n"                                                              \
		".popsection\n");                                                        \
	extern const char web_##name##_start[], web_##name##_end[];                      \
	struct view web_##name(void)                                                     \
	{                                                                                \
		return (struct view){ web_##name##_start,                                \
				      (size_t)(web_##name##_end - web_##name##_start) }; \
	}

EMBED(page_html, "page.html")
EMBED(page_css, "page.css")
EMBED(page_js, "page.js")
