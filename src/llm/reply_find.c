/* Where the one JSON object of a reply is. Models put prose and fences around it, and prose has braces of its own ("{pod}"), so: a group of
 * braces is an attempt at an object unless it can only be a placeholder; exactly one attempt may be there. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "reply_priv.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the group that opens at s[i]: braces inside JSON strings do not count. 0 when it does not close. */
static size_t group_end(const char *s, size_t n, size_t i)
{
	size_t depth = 0;
	bool inside = false;
	for (; i < n; i++) {
		if (inside && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			inside = !inside;
		else if (!inside && s[i] == '{')
			depth++;
		else if (!inside && s[i] == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* "{pod}", "{{ .Values.image }}", "${HOME}": no quote and no colon, so no member; and not empty, which is an object. */
static bool is_placeholder(const char *s, size_t n)
{
	enum { LONGEST = 256 };
	bool word = false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\'' || s[i] == ':')
			return false;
		word = word || !(is_space(s[i]) || s[i] == '{' || s[i] == '}');
	}
	return word && n <= LONGEST;
}

/* Walks the lines of s[from, to) and keeps *open: inside a fence. False when a fence opens inside a fence. */
static bool walk_fences(const char *s, size_t from, size_t to, bool *open)
{
	for (size_t i = from; i < to;) {
		size_t line = i;
		while (i < to && s[i] != '\n')
			i++;
		size_t end = i++;
		while (line < end && is_space(s[line]))
			line++;
		if (end - line < 3 || (memcmp(s + line, "```", 3) != 0 && memcmp(s + line, "~~~", 3) != 0))
			continue;
		size_t label = line + 3;
		while (label < end && (s[label] == s[line] || is_space(s[label])))
			label++;
		if (*open && label < end)
			return false;
		*open = !*open;
	}
	return true;
}

const char *reply_find(const char *s, size_t n, size_t *from, size_t *to)
{
	bool found = false, fenced = false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '}')
			return "a closing brace without an opening one";
		if (s[i] != '{')
			continue;
		size_t end = group_end(s, n, i);
		if (!end)
			return "the JSON object has no end: the reply was cut";
		if (!is_placeholder(s + i, end - i)) {
			if (found)
				return "more than one JSON object";
			found = true;
			*from = i;
			*to = end;
		}
		i = end - 1;
	}
	if (!found)
		return "no JSON object";
	size_t before = *from, after = *to;
	while (before && is_space(s[before - 1]))
		before--;
	while (after < n && is_space(s[after]))
		after++;
	if (before && s[before - 1] == '[' && after < n && (s[after] == ']' || s[after] == ','))
		return "a JSON array, not one object";
	if (!walk_fences(s, 0, *from, &fenced) || !walk_fences(s, *to, n, &fenced))
		return "a fence inside a fence";
	return NULL;
}
