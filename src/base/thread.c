/* The service table: a stack of threads, each with its cancel object. Used by one thread (the one that starts and stops them). */
#include "neuroscale/base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "neuroscale/base/buf.h"

enum { STACK_SIZE = 256 * 1024, THREAD_NAME = 16 };

typedef struct running {
	struct running *below; /* started before this one */
	pthread_t thread;
	ns_cancel *cancel;
	ns_service row;
} running;

struct ns_services {
	running *top;
};

ns_services *ns_services_new(void)
{
	return ns_xcalloc(1, sizeof(ns_services));
}

static void *thread_main(void *arg)
{
	running *r = arg;
	char name[THREAD_NAME];
	ns_copy(name, sizeof name, r->row.name);
	pthread_setname_np(pthread_self(), name);
	r->row.run(r->row.ctx, r->cancel);
	return NULL;
}

/* Everything but what a thread does to itself: those must strike where they happen. */
static void asynchronous_signals(sigset_t *set)
{
	static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	sigfillset(set);
	for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
		sigdelset(set, synchronous[i]);
}

bool ns_services_start(ns_services *s, const ns_service *row, ns_err *err)
{
	running *r = ns_xcalloc(1, sizeof *r);
	r->row = *row;
	r->cancel = ns_cancel_new();

	pthread_attr_t attr;
	sigset_t block, before;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	asynchronous_signals(&block);
	pthread_sigmask(SIG_BLOCK, &block, &before);
	int rc = pthread_create(&r->thread, &attr, thread_main, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc) {
		ns_cancel_free(r->cancel);
		free(r);
		return ns_err_set(err, NS_E_FAILED, rc, __FILE__, __LINE__, "start thread %s", row->name);
	}
	r->below = s->top;
	s->top = r;
	return true;
}

void ns_services_stop(ns_services *s)
{
	if (!s)
		return;
	while (s->top) {
		running *r = s->top;
		s->top = r->below;
		ns_cancel_fire(r->cancel);
		pthread_join(r->thread, NULL);
		ns_cancel_free(r->cancel);
		free(r);
	}
	free(s);
}
