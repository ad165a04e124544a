/* Reads /proc. */
#include "proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double proc_mib(pid_t pid, const char *field)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtol(line + strlen(field) + 1, NULL, 10);
	if (f)
		fclose(f);
	return (double)kib / 1024;
}

double proc_cpu_ms(pid_t pid, double *most)
{
	char path[320];
	double all = 0;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	*most = 0;
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		double ns = 0;
		snprintf(path, sizeof path, "/proc/%d/task/%.32s/schedstat", (int)pid, e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%lf", &ns) == 1) {
			all += ns / 1e6;
			*most = ns / 1e6 > *most ? ns / 1e6 : *most;
		}
		fclose(f);
	}
	if (d)
		closedir(d);
	return all;
}
