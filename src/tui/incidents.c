/* The rows of incidents, which two panes show: what is wrong, and where each stands. */
#include "view.h"

size_t ns_incidents_count(const ns_snapshot *s)
{
	return s->n_incidents;
}

int64_t ns_incidents_key(const ns_snapshot *s, size_t i)
{
	return s->incidents[i].id;
}

const char *ns_incidents_cluster(const ns_snapshot *s, size_t i)
{
	return s->incidents[i].cluster;
}

bool ns_incidents_match(const ns_snapshot *s, size_t i, const char *filter)
{
	return ns_filter_incident(&s->incidents[i], filter);
}

int ns_incidents_height(const ns_ui *ui, size_t visible, ns_rect r)
{
	return ns_ui_cards(ui) ? 2 : 1;
}
