/* kubeconfig: any file gives a configuration or one line that says what is wrong. */
#include "fuzz.h"
#include "neuroscale/kube/kubeconfig.h"
#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char path[64];
	ns_err err = {0};
	if (!path[0])
		snprintf(path, sizeof path, "/dev/shm/ns-fuzz-%d", (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	NEED(fd >= 0);
	NEED(write(fd, data, n) == (ssize_t)n);
	close(fd);
	ns_kubeconfig *k = ns_kubeconfig_load(path, NULL, &err);
	unlink(path);
	if (k) {
		NEED(k->server && k->server[0] && k->context);
		ns_kubeconfig_free(k);
	} else {
		NEED(err.code != NS_OK && err.text[0] && !strchr(err.text, '\n'));
	}
	return 0;
}
