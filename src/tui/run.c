/* The console's one loop: what arrives becomes an event, what the model wants is done, what changed is painted.
 *
 * It sleeps without end unless something on screen will read differently by itself (an age, a countdown, a flash). The first change after a
 * pause is painted at once; only when changes keep coming are they gathered, so that a storm costs a few frames a second and no more. */
#include "neuroscale/tui/tui.h"

#include "courier.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/sys/digest.h"
#include "term.h"
#include "ui.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { BURST_FRAMES = 8, FRAME_MS = 40, BLOCKED_MS = 100, WINCH_MS = 30, SCALED_TICK_MS = 250 };

typedef struct loop {
	const ns_tui_opts *o;
	const ns_clock *clock; /* the engine's: ages and countdowns */
	ns_clock *own_clock;   /* the one that a picture named, or NULL */
	char clock_spec[96];
	ns_ui ui;
	ns_input input;
	ns_grid grid;
	ns_wake *news, *signals;
	ns_courier *courier;
	bool dirty;     /* the grid is not what is on screen */
	bool from_data; /* only because of news, which may wait */
	int tokens;     /* frames of news that may be painted at once */
	int64_t token_at;
	int64_t tick_at;   /* mono: something on screen changes by itself; -1 never */
	int64_t resize_at; /* mono: when the storm of size changes is over; -1 none */
	bool leave;
} loop;

/* ---- signals: handlers only ring ---- */

static ns_wake *bell_rope;
static volatile sig_atomic_t resized, continued, asked_to_stop;

static void on_signal(int sig)
{
	int saved = errno;
	if (sig == SIGWINCH)
		resized = 1;
	else if (sig == SIGCONT)
		continued = 1;
	else
		asked_to_stop = 1;
	ns_wake_ring(bell_rope);
	errno = saved;
}

static const int heard[] = {SIGWINCH, SIGCONT, SIGTSTP};
enum { HEARD = sizeof heard / sizeof *heard };

typedef struct signals {
	struct sigaction old[HEARD];
	sigset_t mask;
} signals;

/* Everything is blocked in this process but for the thread that waits for signals; these three are for the screen alone. */
static void signals_on(signals *s, ns_wake *w)
{
	sigset_t set;
	bell_rope = w;
	sigemptyset(&set);
	for (int i = 0; i < HEARD; i++) {
		struct sigaction a = {.sa_handler = on_signal};
		sigemptyset(&a.sa_mask);
		sigaction(heard[i], &a, &s->old[i]);
		sigaddset(&set, heard[i]);
	}
	pthread_sigmask(SIG_UNBLOCK, &set, &s->mask);
}

static void signals_off(const signals *s)
{
	pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
	for (int i = 0; i < HEARD; i++)
		sigaction(heard[i], &s->old[i], NULL);
	bell_rope = NULL;
}

/* ---- events ---- */

static void tell(loop *l, ns_ui_event ev)
{
	ev.mono_ms = ns_real_mono_ms();
	ev.wall_ms = ns_clock_wall_ms(l->clock);
	ns_ui_update(&l->ui, &ev);
	if (ev.kind != NS_UI_PAINTED && ev.kind != NS_UI_QUIET)
		l->dirty = true;
}

static void note(loop *l, const char *text)
{
	tell(l, (ns_ui_event){.kind = NS_UI_NOTE, .text = text, .ok = true});
}

static void tell_size(loop *l)
{
	ns_ui_event ev = {.kind = NS_UI_RESIZE};
	ns_term_size(&ev.cols, &ev.rows);
	tell(l, ev);
}

static void stop_here(loop *l)
{
	if (!ns_term_may_suspend()) {
		note(l, "No shell is there to bring this back: ^Z is off.");
		return;
	}
	ns_term_suspend();
	continued = 0;
	l->input = (ns_input){0};
	tell_size(l);
}

/* Does what the model asked for. */
static void obey(loop *l)
{
	ns_ui_want w = l->ui.want;
	l->ui.want = (ns_ui_want){0};
	if (w.quit)
		l->leave = true;
	if (w.flush_input) {
		ns_term_flush_input();
		l->input = (ns_input){0};
	}
	if (w.repaint) {
		ns_term_forget();
		tell_size(l);
	}
	if (w.bell)
		ns_term_bell();
	ns_courier_want(l->courier, &w);
	if (w.suspend)
		stop_here(l);
}

static void tell_keys(loop *l, const ns_key *k, size_t n)
{
	for (size_t i = 0; i < n && !l->leave; i++) {
		if (k[i].key == NS_KEY_PASTE)
			tell(l, (ns_ui_event){.kind = NS_UI_PASTE, .text = l->input.text});
		else
			tell(l, (ns_ui_event){.kind = NS_UI_KEY, .key = k[i].key, .burst = k[i].burst});
		bool drop_rest = l->ui.want.flush_input; /* typed before the sheet was there: not for it */
		obey(l);
		l->from_data = false;
		if (drop_rest)
			return;
	}
}

/* False: nobody is at the other end any more. */
static bool read_keys(loop *l)
{
	unsigned char bytes[NS_INPUT_MAX];
	ns_key keys[NS_INPUT_MAX];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	size_t typed = ns_input_feed(&l->input, bytes, (size_t)n, ns_real_mono_ms(), keys);
	tell_keys(l, keys, typed);
	return true;
}

static void hear_signals(loop *l, int64_t now)
{
	ns_wake_clear(l->signals);
	if (asked_to_stop) {
		asked_to_stop = 0;
		stop_here(l);
	}
	if (continued) { /* stopped and brought back by others: the screen is not ours any more */
		continued = 0;
		ns_term_forget();
		tell_size(l);
	}
	if (resized) {
		resized = 0;
		l->resize_at = now + WINCH_MS;
	}
}

/* An engine that somebody else started may run on a simulated cluster's clock, and its successor on another one. */
static void follow_clock(loop *l, const char *spec)
{
	ns_clock *c = NULL;
	if (!strcmp(spec, l->clock_spec) || (*spec && !(c = ns_clock_parse(spec, NULL))))
		return;
	ns_clock *old = l->own_clock;
	l->own_clock = c;
	l->clock = c ? c : ns_clock_real();
	ns_copy(l->clock_spec, sizeof l->clock_spec, spec);
	if (old)
		ns_clock_free(old);
}

static void hear_news(loop *l)
{
	char text[512];
	ns_ui_event ev;
	bool was_dirty = l->dirty;
	ns_wake_clear(l->news);
	while (ns_courier_take(l->courier, &ev, text, sizeof text)) {
		bool picture = ev.kind == NS_UI_SNAPSHOT;
		if (picture)
			follow_clock(l, ev.snap->clock);
		tell(l, ev);
		obey(l);
		if (!picture)
			was_dirty = true; /* an answer to the person: no waiting */
	}
	if (!was_dirty)
		l->from_data = true;
}

/* ---- painting ---- */

static void refill(loop *l, int64_t now)
{
	int64_t more = (now - l->token_at) / FRAME_MS;
	if (more <= 0)
		return;
	l->tokens = l->tokens + more > BURST_FRAMES ? BURST_FRAMES : l->tokens + (int)more;
	l->token_at += more * FRAME_MS;
}

/* Returns the mono time at which to try again, -1: painted. */
static int64_t paint(loop *l, int64_t now)
{
	refill(l, now);
	if (l->from_data && l->tokens <= 0)
		return l->token_at + FRAME_MS;
	if (!ns_term_ready())
		return now + BLOCKED_MS; /* the other end does not keep up: skip frames, not wait */
	if (l->from_data)
		l->tokens--;
	l->ui.wall = ns_clock_wall_ms(l->clock);
	int64_t due = ns_ui_render(&l->ui, &l->grid);
	ns_term_paint(&l->grid);
	l->dirty = l->from_data = false;
	tell(l, (ns_ui_event){.kind = NS_UI_PAINTED});
	/* Engine time may run faster than ours: then what steps each second would be noise. */
	int rate = ns_clock_rate(l->clock);
	l->tick_at = due < 0 ? -1 : now + (rate > 1 ? (due / rate > SCALED_TICK_MS ? due / rate : SCALED_TICK_MS) : due);
	int64_t flash = ns_ui_next_tick(&l->ui);
	if (flash >= 0 && (l->tick_at < 0 || now + flash < l->tick_at))
		l->tick_at = now + flash;
	return -1;
}

static void run_timers(loop *l, int64_t now)
{
	ns_key keys[NS_INPUT_MAX];
	if (l->resize_at >= 0 && now >= l->resize_at) {
		l->resize_at = -1;
		tell_size(l);
		l->from_data = false;
	}
	if (l->tick_at >= 0 && now >= l->tick_at) {
		l->tick_at = -1;
		tell(l, (ns_ui_event){.kind = NS_UI_TICK});
	}
	size_t n = ns_input_idle(&l->input, now, keys);
	tell_keys(l, keys, n);
}

static void turn(loop *l)
{
	struct pollfd p[] = {
	    {.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = ns_wake_fd(l->news), .events = POLLIN},
	    {.fd = ns_wake_fd(l->signals), .events = POLLIN},
	    {.fd = ns_cancel_fd(l->o->cancel), .events = POLLIN},
	};
	int64_t now = ns_real_mono_ms(), again = l->dirty ? paint(l, now) : -1;
	int64_t at = again;
	at = ns_sooner(at, l->tick_at);
	at = ns_sooner(at, l->resize_at);
	at = ns_sooner(at, ns_input_deadline(&l->input));
	/* An open sheet listens only once the keyboard was silent after its frame: look without waiting first. */
	bool listening = l->ui.sheet.state == NS_SHEET_OPEN && l->ui.sheet.painted_ms >= 0 && !l->ui.sheet.quiet;
	int n = poll(p, 4, listening ? 0 : at < 0 ? -1 : at <= now ? 0 : (int)(at - now > 3600000 ? 3600000 : at - now));
	if (n < 0 && errno != EINTR) {
		l->leave = true;
		return;
	}
	if (n < 0)
		memset(p, 0, sizeof p);
	now = ns_real_mono_ms();
	if (listening && !p[0].revents)
		tell(l, (ns_ui_event){.kind = NS_UI_QUIET});
	if (p[3].revents || (p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) || ((p[0].revents & POLLIN) && !read_keys(l))) {
		l->leave = true;
		return;
	}
	if (p[2].revents || resized || continued || asked_to_stop)
		hear_signals(l, now);
	if (p[1].revents) {
		hear_news(l);
		l->leave = l->leave || ns_courier_failed(l->courier, NULL);
	}
	run_timers(l, now);
}

bool ns_tui_run(const ns_tui_opts *o, ns_err *err)
{
	loop l = {.o = o, .clock = o->clock, .tokens = BURST_FRAMES, .tick_at = -1, .resize_at = -1, .token_at = ns_real_mono_ms()};
	ns_services *services = ns_services_new();
	signals sig;
	int cols, rows;
	if (!ns_term_open(o->theme, o->no_color, err)) {
		ns_services_stop(services);
		return false;
	}
	ns_clock_format(o->clock, l.clock_spec, sizeof l.clock_spec);
	ns_term_size(&cols, &rows);
	ns_ui_init(&l.ui, o->user, o->theme->unicode, cols, rows);
	l.ui.nonce = (unsigned)ns_random_u64();
	l.news = ns_wake_new();
	l.signals = ns_wake_new();
	l.courier = ns_courier_new(o, l.news);
	signals_on(&sig, l.signals);
	tell(&l, (ns_ui_event){.kind = NS_UI_TICK});
	if (o->trouble && *o->trouble)
		tell(&l, (ns_ui_event){.kind = NS_UI_NOTE, .text = o->trouble});
	paint(&l, ns_real_mono_ms()); /* before anything is known of the engine */
	const ns_service row = {"console-door", ns_courier_run, l.courier};
	bool ok = ns_services_start(services, &row, err);
	while (ok && !l.leave)
		turn(&l);
	ns_term_close(); /* first: the person has the terminal back whatever the engine does */
	signals_off(&sig);
	ns_services_stop(services);
	ok = ok && !ns_courier_failed(l.courier, err);
	ns_courier_free(l.courier);
	ns_ui_free(&l.ui);
	ns_grid_free(&l.grid);
	if (l.own_clock)
		ns_clock_free(l.own_clock);
	ns_wake_free(l.news);
	ns_wake_free(l.signals);
	return ok;
}
