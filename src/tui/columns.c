/* Tables: columns with a least and a most width; when it is narrow the least needed leave, when it is wide some grow. */
#include "view.h"

enum { GAP = 1 };

void ns_cols_fit(const ns_col *c, int n, int width, int x[NS_COLS_MAX], int w[NS_COLS_MAX])
{
	int need = 0;
	for (int i = 0; i < n; i++) {
		w[i] = c[i].min;
		need += c[i].min ? c[i].min + GAP : 0;
	}
	need -= GAP;
	while (need > width) {
		int worst = -1;
		for (int i = 0; i < n; i++)
			if (w[i] && c[i].drop > 0 && (worst < 0 || c[i].drop > c[worst].drop))
				worst = i;
		if (worst < 0)
			break;
		need -= w[worst] + GAP;
		w[worst] = 0;
	}
	/* What is left goes round, a column at a time, so that two that may grow grow alike. */
	bool grew = true;
	while (need < width && grew) {
		grew = false;
		for (int i = 0; i < n && need < width; i++)
			if (w[i] && w[i] < c[i].max) {
				w[i]++;
				need++;
				grew = true;
			}
	}
	int at = 0;
	for (int i = 0; i < n; i++) {
		x[i] = at;
		if (w[i])
			at += w[i] + GAP;
	}
}

void ns_cols_head(const ns_pen *p, const ns_col *c, int n, const int *x, const int *w)
{
	for (int i = 0; i < n; i++) {
		if (!w[i])
			continue;
		if (c[i].right)
			ns_pen_right(p, x[i], 0, w[i], NS_ROLE_TEXT_DIM, c[i].title);
		else
			ns_pen_text(p, x[i], 0, w[i], NS_ROLE_TEXT_DIM, c[i].title);
	}
}
