/* Nodes, and which of them takes a pod: the one with most CPU left among those where its requests fit. */
#include "sim_priv.h"
#include <stdio.h>
#include <string.h>

static const char *const names[SIM_NODES] = {"node-a", "node-b", "node-c"};

const char *node_name(int i)
{
	return names[i];
}

static void put_condition(cJSON *list, const char *type, const char *status, const char *reason, const char *message, const char *since)
{
	cJSON *c = cJSON_CreateObject();
	ns_json_put_str(c, "type", type);
	ns_json_put_str(c, "status", status);
	ns_json_put_str(c, "lastHeartbeatTime", since);
	ns_json_put_str(c, "lastTransitionTime", since);
	ns_json_put_str(c, "reason", reason);
	ns_json_put_str(c, "message", message);
	cJSON_AddItemToArray(list, c);
}

void nodes_seed(ns_sim *s)
{
	const int64_t made = -40LL * 24 * 3600 * 1000;
	for (int i = 0; i < SIM_NODES; i++) {
		char mem[32], since[32], ip[32], cpu[16];
		sim_stamp(s, made, since);
		snprintf(mem, sizeof mem, "%dMi", SIM_NODE_MEM_MIB);
		snprintf(cpu, sizeof cpu, "%d", SIM_NODE_CPU_MILLI / 1000);
		cJSON *j = object_new(s, K_NODE, "", names[i], made),
		      *labels = cJSON_AddObjectToObject(json_child(j, "metadata"), "labels");
		ns_json_put_str(labels, "kubernetes.io/hostname", names[i]);
		ns_json_put_str(labels, "kubernetes.io/os", "linux");
		ns_json_put_str(labels, "kubernetes.io/arch", "amd64");
		cJSON_AddObjectToObject(j, "spec");
		cJSON *st = cJSON_AddObjectToObject(j, "status");
		static const char *const sizes[] = {"capacity", "allocatable"};
		for (size_t n = 0; n < 2; n++) {
			cJSON *c = cJSON_AddObjectToObject(st, sizes[n]);
			ns_json_put_str(c, "cpu", cpu);
			ns_json_put_str(c, "memory", mem);
			ns_json_put_str(c, "pods", "110");
		}
		cJSON *list = cJSON_AddArrayToObject(st, "conditions");
		put_condition(
		    list, "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", since);
		put_condition(list, "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", since);
		put_condition(list, "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", since);
		put_condition(list, "Ready", "True", "KubeletReady", "kubelet is posting ready status", since);
		snprintf(ip, sizeof ip, "10.0.0.%d", 11 + i);
		cJSON *addr = cJSON_CreateObject();
		ns_json_put_str(addr, "type", "InternalIP");
		ns_json_put_str(addr, "address", ip);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(st, "addresses"), addr);
		cJSON *info = cJSON_AddObjectToObject(st, "nodeInfo");
		ns_json_put_str(info, "kubeletVersion", "v1.32.4");
		ns_json_put_str(info, "containerRuntimeVersion", "containerd://1.7.27");
		ns_json_put_str(info, "osImage", "Debian GNU/Linux 12 (bookworm)");
		world_put(s, K_NODE, j);
	}
}

bool schedule(ns_sim *s, sim_pod *p, char *why, size_t cap)
{
	int64_t cpu[SIM_NODES], mem[SIM_NODES];
	for (int i = 0; i < SIM_NODES; i++) {
		cpu[i] = SIM_NODE_CPU_MILLI;
		mem[i] = SIM_NODE_MEM_MIB * 1024LL * 1024;
	}
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		for (const sim_rs *rs = s->cluster.wls[i].sets; rs; rs = rs->next)
			for (const sim_pod *x = rs->pods; x; x = x->next)
				if (x->node >= 0) {
					cpu[x->node] -= rs->cpu_milli;
					mem[x->node] -= rs->mem_request;
				}
	int best = -1, short_cpu = 0, short_mem = 0;
	for (int i = 0; i < SIM_NODES; i++) {
		bool no_cpu = cpu[i] < p->rs->cpu_milli, no_mem = mem[i] < p->rs->mem_request;
		short_cpu += no_cpu;
		short_mem += no_mem;
		if (!no_cpu && !no_mem && (best < 0 || cpu[i] > cpu[best]))
			best = i;
	}
	p->node = best;
	if (best >= 0)
		return true;
	int n = snprintf(why, cap, "0/%d nodes are available: ", SIM_NODES);
	if (short_cpu)
		n += snprintf(why + n, cap - (size_t)n, "%d Insufficient cpu%s", short_cpu, short_mem ? ", " : "");
	if (short_mem)
		n += snprintf(why + n, cap - (size_t)n, "%d Insufficient memory", short_mem);
	snprintf(why + n, cap - (size_t)n, ". preemption: 0/%d nodes are available: %d No preemption victims found for incoming pod.",
	    SIM_NODES, SIM_NODES);
	return false;
}
