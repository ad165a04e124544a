/* Lock files. flock belongs to the open file, so a child that inherits the descriptor keeps the lock when its parent dies (law 8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "neuroscale/sys/fs.h"

/* ns_lock_is_free holds the lock for an instant; that must not be taken for an owner. */
enum { TRIES = 5, PAUSE_MS = 10 };

static bool same_file(int fd, const char *path)
{
	struct stat a, b;
	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void pause_briefly(void)
{
	const struct timespec ts = {.tv_nsec = PAUSE_MS * 1000000L};
	nanosleep(&ts, NULL);
}

/* Takes the lock of a file that is still the one under its name: another may have removed it between open and flock. */
static int open_locked(const char *path, ns_err *err)
{
	for (int tries = 0;; tries++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0) {
			ns_fail_errno(err, NS_E_IO, "open %s", path);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && same_file(fd, path))
			return fd;
		int why = errno;
		if (tries + 1 == TRIES) {
			char pid[32] = "";
			ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
			pid[n > 0 ? n : 0] = '\0';
			pid[strspn(pid, "0123456789")] = '\0';
			close(fd);
			if (why == EWOULDBLOCK)
				ns_fail(err, NS_E_LOCKED, "%s is held by process %s", path, *pid ? pid : "(unknown)");
			else
				ns_err_set(err, NS_E_IO, why, __FILE__, __LINE__, "lock %s", path);
			return -1;
		}
		close(fd);
		pause_briefly();
	}
}

int ns_lock_file(const char *path, ns_err *err)
{
	int fd = open_locked(path, err);
	if (fd < 0)
		return -1;
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		ns_fail_errno(err, NS_E_IO, "write %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

bool ns_lock_is_free(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT; /* what cannot be looked at is not known to be free */
	bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	close(fd);
	return is_free;
}
