/* The price list: read strictly, a wrong price is worse than none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/embedded.h"
#include "neuroscale/llm/budget.h"
#include "prices_data.h"

enum { COLUMNS = 6, NAME = 64 };

typedef struct price {
	char model[NAME], from[16];
	int64_t max_input; /* 0: any length */
	double input, output, cached; /* USD per million tokens = millionths of a dollar per token */
} price;

struct ns_prices {
	price *rows;
	size_t n;
	char dated[16];
};

static bool number(const char *s, double most, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s && !*end && *s != '+' && isfinite(*out) && *out >= 0 && *out <= most;
}

static bool is_date(const char *s)
{
	static const char form[] = "0000-00-00";
	for (size_t i = 0; i < sizeof form; i++)
		if (form[i] == '0' ? !(s[i] >= '0' && s[i] <= '9') : s[i] != form[i])
			return false;
	return true;
}

static bool read_row(char *line, price *p)
{
	char *cell[COLUMNS];
	double max = 0;
	for (size_t i = 0; i < COLUMNS; i++) {
		cell[i] = strsep(&line, ",");
		if (!cell[i])
			return false;
	}
	if (line || !*cell[0] || !ns_copy(p->model, sizeof p->model, cell[0]) || !is_date(cell[1]) || !ns_copy(p->from, sizeof p->from, cell[1]))
		return false;
	bool ok = number(cell[2], 1e9, &max) && number(cell[3], 1e6, &p->input) && number(cell[4], 1e6, &p->output) && number(cell[5], 1e6, &p->cached);
	p->max_input = (int64_t)max;
	return ok;
}

ns_prices *ns_prices_parse(const char *text, size_t n, const char *name, ns_err *err)
{
	if (!text) {
		text = ns_builtin_prices[0].data;
		n = ns_builtin_prices[0].size;
		name = "prices.csv";
	}
	ns_prices *p = ns_xcalloc(1, sizeof *p);
	char *copy = ns_xmalloc(n + 1), *rest = copy;
	size_t number_of_line = 0;
	bool ok = true;
	memcpy(copy, text, n);
	copy[n] = '\0';
	for (char *line; ok && (line = strsep(&rest, "\n"));) {
		number_of_line++;
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		p->rows = ns_xrealloc(p->rows, (p->n + 1) * sizeof *p->rows);
		p->rows[p->n] = (price){0};
		ok = read_row(line, &p->rows[p->n]);
		if (!ok)
			ns_fail(err, NS_E_INVALID, "%s:%zu: want model,YYYY-MM-DD,max_input_tokens,input,output,cached_input", name, number_of_line);
		else if (strcmp(p->rows[p->n].from, p->dated) > 0)
			ns_copy(p->dated, sizeof p->dated, p->rows[p->n].from);
		p->n++;
	}
	free(copy);
	if (ok && !p->n)
		ok = ns_fail(err, NS_E_INVALID, "%s: no prices", name);
	if (ok)
		return p;
	ns_prices_free(p);
	return NULL;
}

void ns_prices_free(ns_prices *p)
{
	if (!p)
		return;
	free(p->rows);
	free(p);
}

const char *ns_prices_dated(const ns_prices *p)
{
	return p->dated;
}

static int64_t cost(const price *r, int64_t input, int64_t cached, int64_t output)
{
	if (cached > input)
		cached = input;
	return (int64_t)ceil((double)(input - cached) * r->input + (double)cached * r->cached + (double)output * r->output);
}

/* The part of the model's name that a row answers for: all of it, or up to a dash. */
static size_t answers_for(const char *listed, const char *model)
{
	size_t n = strlen(listed);
	return strncmp(listed, model, n) == 0 && (!model[n] || model[n] == '-' || model[n] == ':') ? n : 0;
}

int64_t ns_prices_cost(const ns_prices *p, const char *model, int64_t input, int64_t cached, int64_t output, bool *known)
{
	const price *best = NULL;
	size_t longest = 0;
	int64_t dearest = 0;
	for (size_t i = 0; i < p->n; i++) {
		const price *r = &p->rows[i];
		int64_t c = cost(r, input, cached, output);
		size_t n = answers_for(r->model, model);
		dearest = c > dearest ? c : dearest;
		if (r->max_input && input > r->max_input)
			continue;
		bool newer = best && n == longest && r->max_input == best->max_input && strcmp(r->from, best->from) > 0;
		if (n > longest || newer) {
			best = r;
			longest = n;
		}
	}
	if (known)
		*known = best != NULL;
	return best ? cost(best, input, cached, output) : dearest;
}
