/* E-mail addresses, where the configuration asks for it. */
#include <stdatomic.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"
#include "redact_priv.h"

static atomic_bool hide_emails;

void ns_redact_emails(bool on)
{
	atomic_store(&hide_emails, on);
}

bool ns_redact_wants_email(void)
{
	return atomic_load(&hide_emails);
}

static size_t run(const char *s, size_t n, size_t i, const char *more)
{
	enum { LONGEST_PART = 190 };
	size_t from = i;
	while (i < n && i - from < LONGEST_PART && (ns_is_alnum(s[i]) || (s[i] && strchr(more, s[i]))))
		i++;
	return i - from;
}

size_t ns_redact_email(const char *s, size_t n, size_t i)
{
	if (!ns_is_alnum(s[i]) || (i && (ns_is_alnum(s[i - 1]) || strchr("._%+-", s[i - 1]))))
		return 0;
	size_t at_sign = i + run(s, n, i, "._%+-");
	if (at_sign >= n || s[at_sign] != '@')
		return 0;
	size_t domain = at_sign + 1, end = domain + run(s, n, domain, ".-");
	while (end > domain && !ns_is_alnum(s[end - 1]))
		end--;
	const char *dot = memrchr(s + domain, '.', end - domain);
	if (!dot || (size_t)(s + end - dot) < 3 || !ns_is_letter(dot[1]))
		return 0;
	return end - i;
}
