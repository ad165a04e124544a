/* Cases: crash loops and rollouts, with and without a release behind them. */
#ifndef TESTS_LLM_CASES_RELEASE_H
#define TESTS_LLM_CASES_RELEASE_H
#include "case_build.h"

/* ---- releases ---- */
CASE(release_image)
{
	return bad_release(ar, "image registry.shop/cart:1.4 -> registry.shop/cart:1.5");
}
CASE(release_command)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "cart");
	failing(&b, "app", "cart:1.4", "CrashLoopBackOff", "", "StartError", 128, 4);
	condition(&b, "ReplicaSetUpdated", "progressing");
	revision(&b, 5, 6, 1, 0, false, "");
	revision(&b, 4, 3000, 3, 3, true, "command [\"/cart\"] -> [\"/carts\"]");
	return b;
}
CASE(release_panic)
{
	build b = release_image(ar);
	logs(&b, "panic: runtime error: invalid memory address or nil pointer dereference");
	logs(&b, "goroutine 1 [running]:");
	return b;
}
CASE(release_module)
{
	build b = release_image(ar);
	logs(&b, "ModuleNotFoundError: No module named 'cartlib'");
	return b;
}
CASE(release_arch)
{
	build b = release_image(ar);
	logs(&b, "exec /app/cart: exec format error");
	return b;
}
CASE(release_recreated)
{
	/* Strategy Recreate: nothing serves any more, and the newest one never came up. */
	build b = release_image(ar);
	b.c->revisions[1].ready = b.c->revisions[1].replicas = 0;
	return b;
}
CASE(release_old_alert)
{
	/* The engine was started long after: the controller still says that the revision never became available. */
	build b = release_image(ar);
	b.c->revisions[0].created_ms = NOW_MS - 900 * MIN_MS;
	b.c->cond_progressing_reason = "ProgressDeadlineExceeded";
	return b;
}
CASE(release_dependency)
{
	build b = release_image(ar);
	logs(&b, "dial tcp 10.2.0.7:5432: connect: connection refused");
	return b;
}
CASE(release_dns)
{
	build b = release_image(ar);
	logs(&b, "dial tcp: lookup orders-db.shop.svc: no such host");
	return b;
}
CASE(release_password)
{
	build b = release_image(ar);
	logs(&b, "FATAL: password authentication failed for user \"cart\"");
	return b;
}
CASE(release_certificate)
{
	build b = release_image(ar);
	logs(&b, "x509: certificate has expired or is not yet valid: current time 2026-09-20 is after 2026-09-01");
	return b;
}
CASE(release_disk)
{
	build b = release_image(ar);
	logs(&b, "write /var/lib/cart/wal: no space left on device");
	return b;
}
CASE(release_too_many)
{
	build b = release_image(ar);
	logs(&b, "FATAL: sorry, too many clients already");
	return b;
}
CASE(release_missing_secret)
{
	build b = begin(ar, NS_KIND_CONFIG_ERROR, "Deployment", "shop", "cart");
	failing(&b, "app", "cart:1.5", "CreateContainerConfigError", "secret \"cart-db\" not found", NULL, 0, 0);
	condition(&b, "ReplicaSetUpdated", "progressing");
	revision(&b, 5, 6, 1, 0, false, "");
	revision(&b, 4, 3000, 3, 3, true, "image cart:1.4 -> cart:1.5");
	return b;
}
CASE(release_adds_secret)
{
	build b = release_missing_secret(ar);
	b.c->revisions[1].changes = "env DB_PASSWORD added (secret cart-db/password)";
	return b;
}
CASE(release_removed_env)
{
	build b = bad_release(ar, "env DATABASE_URL removed");
	logs(&b, "KeyError: 'DATABASE_URL'");
	return b;
}
CASE(release_new_image_new_env)
{
	build b = release_image(ar);
	logs(&b, "Error: environment variable PRICING_TOKEN is not set");
	return b;
}
CASE(release_old_env_gone)
{
	/* The former revision was given the same variable: its Secret is what went. */
	build b = release_new_image_new_env(ar);
	b.c->revisions[1].template_json = "{\"spec\":{\"containers\":[{\"env\":[{\"name\":\"PRICING_TOKEN\"}]}]}}";
	return b;
}
CASE(release_ran_before_env_gone)
{
	/* Twelve good minutes of the newest revision, then a variable is missing. */
	build b = release_new_image_new_env(ar);
	b.c->cond_progressing_reason = "NewReplicaSetAvailable";
	b.c->revisions[0].was_healthy = true;
	b.c->revisions[0].created_ms = b.c->alert.first_ms - 12 * MIN_MS;
	b.c->revisions[1].ready = b.c->revisions[1].replicas = 0;
	return b;
}
CASE(release_ran_before_crash)
{
	build b = release_ran_before_env_gone(ar);
	b.c->n_log_lines = 0;
	b.c->n_evidence--;
	return b;
}
CASE(release_wrong_host)
{
	build b = bad_release(ar, "env DB_HOST orders-db -> order-db");
	logs(&b, "dial tcp: lookup order-db on 10.96.0.10:53: no such host");
	return b;
}
CASE(release_probe)
{
	build b = begin(ar, NS_KIND_PROBE_FAILURE, "Deployment", "shop", "front");
	ns_container_facts *f = container(&b, "app", "front:9");
	f->running = true;
	evidence(&b, NS_EV_STATUS, true, "container app runs and is not ready (image front:9, 0 restarts)");
	event(&b, "Warning Unhealthy on the Pod (x7): Readiness probe failed: dial tcp 10.0.4.17:9999: connect: connection refused");
	condition(&b, "ReplicaSetUpdated", "progressing");
	revision(&b, 7, 8, 1, 0, false, "");
	revision(&b, 6, 3000, 3, 3, true, "readiness probe {\"port\":8080} -> {\"port\":9999}");
	b.c->ready = 3;
	return b;
}
CASE(stalled_unready)
{
	build b = release_probe(ar);
	b.c->alert.kind = NS_KIND_DEPLOYMENT_STALLED;
	b.c->alert.reason = "ProgressDeadlineExceeded";
	condition(&b, "ProgressDeadlineExceeded", "ReplicaSet \"front-7\" has timed out progressing.");
	b.c->revisions[0].created_ms = NOW_MS - 15 * MIN_MS;
	b.c->revisions[1].changes = "image front:8 -> front:9";
	return b;
}
CASE(stalled_argocd)
{
	build b = stalled_unready(ar);
	managed(&b, "argocd");
	return b;
}
CASE(stalled_paused)
{
	build b = stalled_unready(ar);
	b.c->paused = true;
	return b;
}
CASE(release_argocd)
{
	build b = release_image(ar);
	managed(&b, "argocd");
	return b;
}
CASE(release_operator)
{
	build b = release_image(ar);
	managed(&b, "operator:Rollout");
	return b;
}
CASE(release_volumes)
{
	build b = bad_release(ar, "image cart:1.4 -> cart:1.5; volume data {} -> {}");
	b.c->revisions[1].only_safe_fields = false;
	return b;
}
CASE(release_logs_forbidden)
{
	build b = bad_release(ar, "env LEVEL info -> debug");
	b.c->revisions[1].ready = 0;
	evidence(&b, NS_EV_NOTE, true, "the log of container app could not be read: forbidden");
	return b;
}
CASE(release_same_template)
{
	build b = bad_release(ar, "");
	return b;
}
CASE(release_never_healthy)
{
	build b = release_image(ar);
	b.c->revisions[1].was_healthy = false;
	b.c->revisions[1].ready = 0;
	return b;
}
CASE(release_recovered)
{
	build b = release_image(ar);
	b.c->containers[0].waiting_reason = "";
	b.c->containers[0].running = b.c->containers[0].ready = true;
	b.c->ready = b.c->replicas;
	b.c->unavailable = 0;
	b.c->cond_progressing_reason = "NewReplicaSetAvailable";
	return b;
}
CASE(release_statefulset)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "StatefulSet", "shop", "queue");
	failing(&b, "app", "queue:2", "CrashLoopBackOff", "", "Error", 1, 5);
	return b;
}
CASE(first_install)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "cart");
	failing(&b, "app", "cart:1.0", "CrashLoopBackOff", "", "Error", 2, 5);
	condition(&b, "ReplicaSetUpdated", "progressing");
	revision(&b, 1, 6, 3, 0, false, "");
	return b;
}
CASE(history_unread)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "cart");
	failing(&b, "app", "cart:1.0", "CrashLoopBackOff", "", "Error", 1, 5);
	evidence(&b, NS_EV_NOTE, true, "ReplicaSets could not be read: forbidden");
	return b;
}
CASE(long_running_crash)
{
	return long_running(ar);
}
CASE(long_running_segv)
{
	build b = long_running(ar);
	b.c->containers[0].last_exit = 139;
	return b;
}
CASE(exits_cleanly)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "worker");
	failing(&b, "app", "bash", "CrashLoopBackOff", "", "Completed", 0, 14);
	revision(&b, 1, 600, 1, 0, false, "");
	return b;
}
CASE(env_missing_old)
{
	build b = long_running(ar);
	logs(&b, "Environment variable SMTP_HOST is undefined");
	return b;
}
CASE(dependency_old)
{
	build b = long_running(ar);
	logs(&b, "Error: connect ECONNREFUSED 10.3.0.9:6379");
	return b;
}
CASE(schema)
{
	build b = release_image(ar);
	logs(&b, "psycopg2.errors.UndefinedColumn: column orders.discount does not exist");
	return b;
}
CASE(permission)
{
	build b = release_image(ar);
	logs(&b, "open /data/cache.db: permission denied");
	return b;
}
CASE(lock)
{
	build b = long_running(ar);
	logs(&b, "FATAL: lock file \"postmaster.pid\" already exists");
	return b;
}
CASE(coredns)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "kube-system", "coredns");
	failing(&b, "coredns", "coredns:1.2", "CrashLoopBackOff", "", "Error", 1, 9);
	logs(&b, "[FATAL] plugin/loop: Seen more than twice, loop detected");
	revision(&b, 2, 6, 2, 0, false, "");
	revision(&b, 1, 9000, 0, 0, true, "image coredns:1.1 -> coredns:1.2");
	return b;
}
#endif
