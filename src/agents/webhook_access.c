/* Where the receiver listens, and whom it believes to be Alertmanager. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neuroscale/sys/digest.h"
#include "webhook_priv.h"

enum { BACKLOG = 32, MIN_TOKEN = 16, MAX_TOKEN = 4096 };

/* ---- the address ---- */

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static struct addrinfo *resolve(const char *address, ns_err *err)
{
	char host[80];
	const char *colon = strrchr(address, ':'), *from = address;
	size_t n = colon ? (size_t)(colon - address) : 0;
	if (n >= 2 && *from == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	} else if (n && memchr(from, ':', n)) {
		n = 0; /* "::1:80" could be either */
	}
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
	                *found = NULL;
	bool digits = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1) && strlen(colon + 1) <= 5;
	if (n && n < sizeof host && digits && strtol(colon + 1, NULL, 10) <= 65535) {
		memcpy(host, from, n);
		host[n] = '\0';
		if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, colon + 1, &hints, &found) == 0)
			return found;
	}
	ns_fail(err, NS_E_USAGE, "alertmanager-listen \"%s\": want ADDR:PORT, like 127.0.0.1:9097 or [::1]:9097", address);
	return NULL;
}

static int open_socket(const struct addrinfo *a, const char *address, int *port, ns_err *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound = {.v6 = {0}};
	socklen_t len = sizeof bound;
	int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 || getsockname(fd, &bound.any, &len) < 0) {
		ns_fail_errno(err, NS_E_IO, "alertmanager-listen %s", address);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
	return fd;
}

int wh_listen(const char *address, bool guarded, int *port, ns_err *err)
{
	struct addrinfo *a = resolve(address, err);
	int fd = -1;
	if (!a)
		return -1;
	if (guarded || is_loopback(a->ai_addr))
		fd = open_socket(a, address, port, err);
	else
		ns_fail(err, NS_E_DENIED,
		    "alertmanager-listen %s: anybody who reaches it could open incidents: name a file with a token by "
		    "alertmanager-token-file, or listen on 127.0.0.1",
		    address);
	freeaddrinfo(a);
	return fd;
}

/* ---- the token ---- */

static bool read_private(const char *path, ns_buf *out, ns_err *err)
{
	struct stat st;
	char chunk[MAX_TOKEN + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return ns_fail_errno(err, NS_E_IO, "alertmanager-token-file %s", path);
	ssize_t n = -1;
	bool ok = fstat(fd, &st) == 0;
	if (!ok)
		ns_fail_errno(err, NS_E_IO, "alertmanager-token-file %s", path);
	else if (!(ok = S_ISREG(st.st_mode)))
		ns_fail(err, NS_E_INVALID, "alertmanager-token-file %s: it is no regular file", path);
	else if (!(ok = (st.st_mode & 077) == 0 && (st.st_uid == geteuid() || st.st_uid == 0)))
		ns_fail(err, NS_E_DENIED, "alertmanager-token-file %s: others can read or own it: chmod 600 it, and let it be yours", path);
	else if (!(ok = (n = read(fd, chunk, sizeof chunk)) >= 0))
		ns_fail_errno(err, NS_E_IO, "alertmanager-token-file %s", path);
	close(fd);
	if (ok)
		ns_buf_put(out, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof chunk);
	return ok;
}

ns_secret *wh_token(const char *path, ns_err *err)
{
	ns_buf text = NS_BUF_INIT;
	ns_secret *token = NULL;
	if (read_private(path, &text, err)) {
		while (text.len && strchr("\r\n", text.data[text.len - 1]))
			text.data[--text.len] = '\0';
		bool plain = text.len >= MIN_TOKEN && text.len <= MAX_TOKEN;
		for (size_t i = 0; plain && i < text.len; i++)
			plain = text.data[i] > ' ' && text.data[i] < 127;
		if (plain)
			token = ns_secret_new(text.data);
		else
			ns_fail(err, NS_E_INVALID,
			    "alertmanager-token-file %s: want one line of %d to %d visible ASCII characters (openssl rand -hex 32)", path,
			    MIN_TOKEN, MAX_TOKEN);
	}
	if (text.data)
		explicit_bzero(text.data, text.cap);
	ns_buf_free(&text);
	return token;
}

bool wh_authorized(const ns_secret *token, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	if (!token)
		return true;
	if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return false;
	const char *sent = authorization + sizeof scheme - 1;
	return ns_const_time_eq(ns_secret_reveal(token), sent + strspn(sent, " "));
}
