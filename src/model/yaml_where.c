/* Where something stands in a YAML text: read once more, only when an error has to name its place. */
#include "neuroscale/model/yaml.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The first component of a path and what follows it. */
static size_t component(const char *path, const char **rest)
{
	size_t n = strcspn(path, ".");
	*rest = path + n + (path[n] == '.');
	return n;
}

static bool next(yaml_parser_t *p, yaml_event_t *e)
{
	return yaml_parser_parse(p, e) && e->type != YAML_STREAM_END_EVENT;
}

/* Reads over the node whose first event this is. */
static bool skip(yaml_parser_t *p, yaml_event_type_t type)
{
	int depth = type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
	while (depth) {
		yaml_event_t e;
		if (!next(p, &e))
			return false;
		depth += e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT;
		depth -= e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT;
		yaml_event_delete(&e);
	}
	return true;
}

/* Below a node that was begun: the mark of the key or item at the path. */
static bool find(yaml_parser_t *p, yaml_event_type_t type, const char *path, yaml_mark_t *out)
{
	const char *rest;
	size_t n = component(path, &rest), index = 0;
	bool map = type == YAML_MAPPING_START_EVENT, list = type == YAML_SEQUENCE_START_EVENT;
	while (map || list) {
		yaml_event_t e;
		bool wanted;
		if (!next(p, &e))
			return false;
		yaml_mark_t mark = e.start_mark;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return false;
		}
		if (map) {
			wanted = e.type == YAML_SCALAR_EVENT && e.data.scalar.length == n && memcmp(e.data.scalar.value, path, n) == 0;
			yaml_event_delete(&e);
			if (!next(p, &e))
				return false;
		} else {
			wanted = index++ == strtoul(path, NULL, 10);
		}
		yaml_event_type_t inner = e.type;
		yaml_event_delete(&e);
		if (wanted && !*rest) {
			*out = mark;
			return true;
		}
		if (wanted)
			return find(p, inner, rest, out);
		if (!skip(p, inner))
			return false;
	}
	return false;
}

bool ns_yaml_where(const char *s, size_t n, const char *path, int *line, int *column)
{
	yaml_parser_t parser;
	yaml_event_t e;
	yaml_mark_t mark;
	bool found = false;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)s, n);
	yaml_event_type_t type = YAML_STREAM_START_EVENT;
	while (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT) {
		if (!next(&parser, &e))
			break;
		type = e.type;
		yaml_event_delete(&e);
		found = find(&parser, type, path, &mark);
	}
	yaml_parser_delete(&parser);
	*line = found ? (int)mark.line + 1 : 1;
	*column = found ? (int)mark.column + 1 : 1;
	return found;
}
