/* Slack's control characters in text that is not ours. */
#include <string.h>

#include "neuroscale/base/text.h"

static const char *crowd(const char *s)
{
	static const char *const all[] = {"here", "channel", "everyone"};
	for (size_t i = 0; *s == '@' && i < sizeof all / sizeof *all; i++)
		if (strncasecmp(s + 1, all[i], strlen(all[i])) == 0)
			return "[@]";
	return NULL;
}

void ns_text_slack(ns_buf *out, const char *s)
{
	for (; *s; s++) {
		const char *as = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : crowd(s);
		if (as)
			ns_buf_puts(out, as);
		else
			ns_buf_putc(out, *s);
	}
}
