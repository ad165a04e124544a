/* Alerts of other systems (law 3): they open incidents and close them, and never let the machine act by itself. */
#include "../../src/engine/engine_priv.h"
#include "cases.h"
#include <arpa/inet.h>
#include <sys/socket.h>

/* ---- Alertmanager's part ---- */

static int post(const live *l, const char *body)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)ns_webhook_port(l->e->webhook)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "nobody listens");
	char *req =
	    ns_xasprintf("POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	        strlen(body), body);
	must(write(fd, req, strlen(req)) == (ssize_t)strlen(req), "the request was not taken");
	free(req);
	char answer[1024] = "";
	for (size_t n = 0; n < sizeof answer - 1;) {
		ssize_t got = read(fd, answer + n, sizeof answer - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	must(sscanf(answer, "HTTP/1.1 %d", &status) == 1, "no answer");
	return status;
}

static char *alert(const char *status, const char *labels)
{
	return ns_xasprintf("{\"version\":\"4\",\"status\":\"%s\",\"alerts\":[{\"status\":\"%s\",\"startsAt\":\"2026-01-01T00:00:00Z\","
	                    "\"fingerprint\":\"f1\","
	                    "\"labels\":{\"alertname\":\"CheckoutErrorRateHigh\",\"severity\":\"page\",%s},\"annotations\":{"
	                    "\"description\":\"12 %% of the requests fail: "
	                    "OOMKilled, roll back to revision 1, exit code 137\"}}]}",
	    status, status, labels);
}

static void tell(const live *l, const char *status, const char *labels)
{
	char *body = alert(status, labels);
	int end = post(l, body);
	must(end == 200, "%s: %d", body, end);
	free(body);
}

/* ---- the cases ---- */

/* Whatever it says: nothing of our own stands behind it. */
static void told_by_another_waits_for_a_person(void)
{
	live l;
	live_open(&l, "healthy", 120, NS_PROFILE_AUTO);
	l.o.am_listen = "127.0.0.1:0";
	live_start(&l);
	const char *labels = "\"namespace\":\"shop\",\"deployment\":\"checkout\",\"cluster\":\"whatever it is called there\"";
	tell(&l, "firing", labels);
	ns_inc_row row = live_until(&l, "shop", "checkout", "manual_review|awaiting_approval");
	must(row.kind == NS_KIND_EXTERNAL && row.severity == NS_SEV_CRIT, "it is %s", ns_kind_get(row.kind)->name);
	tell(&l, "firing", labels);
	live_quiet(&l, MINUTES(2));
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_open == 1, "%d are open", (int)s->n_open);
	ns_snapshot_unref(s);
	must(live_sent(&l) == 0, "%lld changes", (long long)live_sent(&l));
	live_stop(&l); /* Alertmanager repeats it after hours */
	live_start(&l);
	live_quiet(&l, MINUTES(7)); /* longer than what nobody alerts any more stays open */
	live_until(&l, "shop", "checkout", "manual_review|awaiting_approval");
	tell(&l, "resolved", labels);
	live_until(&l, "shop", "checkout", "resolved|withdrawn");
	live_close(&l);
}

/* With a finding of our own the same alert is a note to it, and the incident is the native one. */
static void a_native_incident_takes_it_in(void)
{
	live l;
	live_open(&l, "oom-simple", 30, NS_PROFILE_OBSERVE);
	l.o.am_listen = "127.0.0.1:0";
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "checkout", "analyzing|planning|manual_review|awaiting_approval");
	must(row.kind == NS_KIND_OOM_KILLED, "it is %s", ns_kind_get(row.kind)->name);
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"checkout\"");
	live_quiet(&l, MINUTES(1));
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	for (size_t i = 0; i < s->n_incidents; i++)
		must(s->incidents[i].kind != NS_KIND_EXTERNAL, "there is a second incident");
	ns_snapshot_unref(s);
	live_close(&l);
}

/* The fact that the gate looks at: by the incident and by the case it was analysed as. */
static void the_gate_is_told_whose_word_it_is(void)
{
	static const struct {
		ns_kind incident, analysed;
		bool own;
	} rows[] = {{NS_KIND_OOM_KILLED, NS_KIND_OOM_KILLED, true}, {NS_KIND_EXTERNAL, NS_KIND_EXTERNAL, false},
	    {NS_KIND_EXTERNAL, NS_KIND_OOM_KILLED, false}, {NS_KIND_OOM_KILLED, NS_KIND_EXTERNAL, false}};
	live l;
	live_open(&l, "healthy", 30, NS_PROFILE_AUTO);
	live_start(&l);
	ns_arena *ar = ns_arena_new();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_workload w = {.cluster = "sim", .ns = "shop", .kind = "Deployment", .name = "checkout", .uid = "u"};
		ns_incident inc = {.id = 1, .kind = rows[i].incident, .target = w};
		ns_case *cs = ns_arena_alloc(ar, sizeof *cs);
		cs->alert.kind = rows[i].analysed;
		cs->alert.target = w;
		cs->found = true;
		ns_dossier d = {.cs = cs, .cluster_identity = ""};
		ns_gate_facts f;
		ns_gate_collect(l.e, ar, &inc, &d, &f);
		must(f.own_finding == rows[i].own, "row %zu", i);
		ns_gate_verdict v;
		ns_gate(&f, &v);
		must(v.way != NS_GATE_AUTO, "row %zu", i);
	}
	ns_arena_free(ar);
	live_close(&l);
}

static bool was_said(live *l, const char *words)
{
	ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
	size_t n = 0;
	for (size_t i = 0; i < s->n_messages; i++)
		n += strstr(s->messages[i].text, words) != NULL;
	ns_snapshot_unref(s);
	must(n <= 1, "\"%s\" was said %zu times", words, n);
	return n == 1;
}

static void an_alert_goes_to_the_cluster_that_its_label_names(void)
{
	live l;
	live_open(&l, "healthy", 60, NS_PROFILE_APPROVE);
	ns_cluster_opts two[2] = {l.c, l.c}; /* one server under two names will do */
	two[0].name = "east";
	two[1].name = "west";
	l.o.clusters = two;
	l.o.n_clusters = 2;
	l.o.am_listen = "127.0.0.1:0";
	l.o.am_cluster_label = "k8s_cluster";
	live_start(&l);
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"cart\",\"k8s_cluster\":\"north\"");
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"cart\",\"k8s_cluster\":\"north\"");
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"catalog\",\"cluster\":\"west\"");
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"checkout\",\"k8s_cluster\":\"west\"");
	live_until(&l, "shop", "checkout", "manual_review|awaiting_approval");
	live_quiet(&l, MINUTES(1));
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_incidents == 1, "%zu incidents", s->n_incidents);
	must(strcmp(s->incidents[0].cluster, "west") == 0, "it is in %s", s->incidents[0].cluster);
	ns_snapshot_unref(s);
	must(was_said(&l, "\"k8s_cluster\" is \"north\"") && was_said(&l, "\"k8s_cluster\" is \"\""), "what was left out was not said");
	live_stop(&l);
	two[1].one_of_many = true; /* as --context west makes it: what is said of east is still not meant for it */
	l.o.clusters = &two[1];
	l.o.n_clusters = 1;
	live_start(&l);
	tell(&l, "firing", "\"namespace\":\"shop\",\"deployment\":\"cart\",\"k8s_cluster\":\"east\"");
	live_quiet(&l, MINUTES(1));
	must(was_said(&l, "\"k8s_cluster\" is \"east\""), "an alert of east was taken for west's");
	live_close(&l);
}

static void a_receiver_that_cannot_listen_is_no_engine(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "healthy", 30, NS_PROFILE_AUTO);
	l.o.am_listen = "0.0.0.0:0";
	must(!ns_engine_start(&l.o, &err) && err.code == NS_E_DENIED && strstr(err.text, "alertmanager-token-file"), "%s", err.text);
	live_close(&l);
}

static test_case all[] = {
    {.name = "told_by_another_waits_for_a_person", .run = told_by_another_waits_for_a_person},
    {.name = "a_native_incident_takes_it_in", .run = a_native_incident_takes_it_in},
    {.name = "the_gate_is_told_whose_word_it_is", .run = the_gate_is_told_whose_word_it_is},
    {.name = "an_alert_goes_to_the_cluster_that_its_label_names", .run = an_alert_goes_to_the_cluster_that_its_label_names},
    {.name = "a_receiver_that_cannot_listen_is_no_engine", .run = a_receiver_that_cannot_listen_is_no_engine},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "alerts", all, sizeof all / sizeof all[0]);
}
