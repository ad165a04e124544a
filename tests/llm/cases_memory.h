/* Cases: memory, by kernel, node and runtime. */
#ifndef TESTS_LLM_CASES_MEMORY_H
#define TESTS_LLM_CASES_MEMORY_H
#include "case_build.h"

/* ---- memory ---- */
CASE(oom_plain)
{
	return oom(ar, 128 * MI);
}
CASE(oom_once)
{
	build b = oom(ar, 512 * MI);
	b.c->containers[0].waiting_reason = "";
	b.c->containers[0].running = b.c->containers[0].ready = true;
	b.c->containers[0].restarts = 1;
	b.c->ready = 3;
	b.c->unavailable = 0;
	return b;
}
CASE(oom_lowered)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "search");
	memory(&b, failing(&b, "app", "search:2.0", "CrashLoopBackOff", "", "OOMKilled", 137, 6), 100 * MI, 0);
	revision(&b, 9, 20, 3, 1, false, "");
	revision(&b, 8, 5000, 0, 0, true, "memory limit 512Mi -> 100Mi");
	return b;
}
CASE(oom_raised_once)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "search");
	memory(&b, failing(&b, "app", "search:2.0", "CrashLoopBackOff", "", "OOMKilled", 137, 3), 256 * MI, 0);
	revision(&b, 9, 10, 3, 1, false, "");
	revision(&b, 8, 5000, 0, 0, true, "memory limit of app 128Mi -> 256Mi");
	return b;
}
CASE(oom_raised_twice)
{
	build b = oom_raised_once(ar);
	b.c->containers[0].mem_limit = 512 * MI;
	b.c->revisions[1].changes = "memory limit of app 256Mi -> 512Mi";
	revision(&b, 7, 9000, 0, 0, true, "memory limit of app 128Mi -> 512Mi");
	return b;
}
CASE(oom_balloon)
{
	build b = oom(ar, 4096 * MI);
	lived(&b.c->containers[0], 3);
	return b;
}
CASE(oom_endless_command)
{
	build b = oom(ar, 128 * MI);
	evidence(&b, NS_EV_RESOURCES, true, "container app runs [\"sh\",\"-c\",\"tail /dev/zero\"]");
	return b;
}
CASE(oom_operator)
{
	build b = oom(ar, 128 * MI);
	managed(&b, "operator:Prometheus");
	return b;
}
CASE(oom_vpa)
{
	build b = oom(ar, 128 * MI);
	managed(&b, "operator:VerticalPodAutoscaler");
	return b;
}
CASE(oom_without_limit)
{
	return oom(ar, 0);
}
CASE(oom_node_too_small)
{
	build b = oom(ar, 3072 * MI);
	b.c->node_allocatable_mem = 3500 * MI;
	return b;
}
CASE(oom_node_pressure)
{
	build b = oom(ar, 256 * MI);
	evidence(&b, NS_EV_CONDITION, true, "node n1 is under memory pressure: NodeHasInsufficientMemory");
	return b;
}
CASE(oom_jvm)
{
	build b = oom(ar, 512 * MI);
	b.c->containers[0].jvm = true;
	return b;
}
CASE(oom_slow_leak)
{
	build b = oom(ar, 512 * MI);
	lived(&b.c->containers[0], 9 * 3600);
	return b;
}
CASE(oom_statefulset)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "StatefulSet", "shop", "queue");
	memory(&b, failing(&b, "app", "queue:1", "CrashLoopBackOff", "", "OOMKilled", 137, 3), 128 * MI, 0);
	return b;
}
CASE(oom_kube_system)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "kube-system", "metrics-server");
	memory(&b, failing(&b, "app", "metrics:1", "CrashLoopBackOff", "", "OOMKilled", 137, 3), 128 * MI, 0);
	return b;
}
CASE(oom_database)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "store");
	memory(&b, failing(&b, "db", "docker.io/library/postgres:15", "CrashLoopBackOff", "", "OOMKilled", 137, 3), 128 * MI, 0);
	return b;
}
CASE(oom_gitops)
{
	build b = oom(ar, 128 * MI);
	managed(&b, "argocd");
	return b;
}
CASE(kill9_no_oom)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "api");
	memory(&b, failing(&b, "app", "api:1", "CrashLoopBackOff", "", "Error", 137, 4), 128 * MI, 0);
	revision(&b, 3, 9000, 3, 0, true, "");
	revision(&b, 2, 20000, 0, 0, true, "image api:0 -> api:1");
	return b;
}
CASE(oom_only_in_the_log)
{
	build b = long_running(ar);
	memory(&b, &b.c->containers[0], 128 * MI, 0);
	logs(&b, "kernel: OOMKilled, reason OOMKilled, exit code 137, raise the limit");
	return b;
}
CASE(jvm_heap)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "billing");
	ns_container_facts *f = failing(&b, "app", "billing:3", "CrashLoopBackOff", "", "Error", 3, 4);
	memory(&b, f, 1024 * MI, 0);
	f->jvm = true;
	logs(&b, "java.lang.OutOfMemoryError: Java heap space");
	logs(&b, "Dumping heap to /tmp/java_pid1.hprof ...");
	revision(&b, 3, 9000, 3, 0, true, "");
	return b;
}
CASE(node_heap)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "front");
	memory(&b, failing(&b, "app", "front:3", "CrashLoopBackOff", "", "Error", 134, 4), 1024 * MI, 0);
	logs(&b, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory");
	revision(&b, 3, 9000, 3, 0, true, "");
	return b;
}
CASE(python_memory)
{
	build b = long_running(ar);
	logs(&b, "MemoryError: Unable to allocate 3.2 GiB for an array");
	return b;
}
#endif
