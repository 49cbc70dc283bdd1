/* SPDX-License-Identifier: BSD-2-Clause
 *
 * top: several gateways at once, as their jobruns_status sees them.
 *
 * On a terminal it is drawn again whenever a gateway has responded, until q or
 * Ctrl-C; else it is printed once.  Signals come through a descriptor, so that
 * all that happens is waited for in one place and the terminal is given back
 * in each case.
 */

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "jobrunsctl_top.h"


/* how often durations on the screen go on, ms */
#define CTL_TOP_TICK  1000


/* waits until something has come, or a time has passed */

static void
ctl_top_wait(ctl_top_t *top, struct curl_waitfd *fds, unsigned n,
    long long most)
{
    size_t     i;
    long long  left;

    for (i = 0; i < top->n; i++) {
        left = top->gateways[i].due - ctl_top_fetch_now();

        if (!top->gateways[i].busy && left < most) {
            most = left;
        }
    }

    (void) curl_multi_poll(top->multi, fds, n, most > 0 ? (int) most : 0,
                           NULL);
}


/* the table; CTL_OK, CTL_NOTHING for a trouble, CTL_FAILED if one did not
   respond */

static int
ctl_top_once(ctl_t *ctl, ctl_top_t *top)
{
    int              rc;
    size_t           i, busy;
    long long        now;
    ctl_top_level_e  level;

    top->interval = 3600 * 1000;

    do {
        now = ctl_top_fetch_now();
        (void) ctl_top_fetch_some(top, now, &busy);

        if (busy) {
            ctl_top_wait(top, NULL, 0, CTL_TOP_TICK);
        }
    } while (busy);

    if (ctl->json) {
        rc = ctl_show(ctl, ctl_top_show_json(top, now), NULL);

        if (rc != CTL_OK) {
            return rc;
        }

    } else {
        ctl_top_show(stdout, top, now, 0, 0);
    }

    rc = CTL_OK;

    for (i = 0; i < top->n; i++) {
        level = ctl_top_show_level(&top->gateways[i]);

        if (level == ctl_top_silent || !top->gateways[i].asked) {
            return CTL_FAILED;
        }

        rc = level > ctl_top_good ? CTL_NOTHING : rc;
    }

    return rc;
}


/* a program that is stopped leaves the terminal to the shell */

static void
ctl_top_stop(void)
{
    ctl_top_screen_end();

    (void) raise(SIGSTOP);

    /* it is continued */

    (void) ctl_top_screen_begin();
}


/* whether that was the end */

static int
ctl_top_signals(int fd)
{
    struct signalfd_siginfo  info;

    if (read(fd, &info, sizeof(info)) != (ssize_t) sizeof(info)) {
        return 0;
    }

    switch (info.ssi_signo) {

    case SIGWINCH:
        return 0;

    case SIGTSTP:
        ctl_top_stop();
        return 0;

    default: /* SIGINT, SIGTERM, SIGHUP */
        return 1;
    }
}


static int
ctl_top_key(void)
{
    char  key;

    return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}


static void
ctl_top_loop(ctl_top_t *top, int fd)
{
    int                 drawn;
    size_t              busy;
    long long           now, last;
    struct curl_waitfd  fds[2];

    memset(fds, 0, sizeof(fds));

    fds[0].fd = fd;
    fds[0].events = CURL_WAIT_POLLIN;
    fds[1].fd = STDIN_FILENO;
    fds[1].events = CURL_WAIT_POLLIN;

    last = 0;
    drawn = 0;

    for ( ;; ) {
        now = ctl_top_fetch_now();

        if (ctl_top_fetch_some(top, now, &busy) || !drawn
            || now - last >= CTL_TOP_TICK)
        {
            ctl_top_screen_draw(top, now);
            last = now;
            drawn = 1;
        }

        fds[0].revents = 0;
        fds[1].revents = 0;

        ctl_top_wait(top, fds, 2, last + CTL_TOP_TICK - now);

        if (fds[0].revents) {
            if (ctl_top_signals(fd)) {
                return;
            }

            drawn = 0;
        }

        if (fds[1].revents && ctl_top_key()) {
            return;
        }
    }
}


static int
ctl_top_interactive(ctl_top_t *top)
{
    int       fd, rc;
    size_t    i;
    sigset_t  signals;

    static const int  wanted[] = {
        SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP
    };

    (void) sigemptyset(&signals);

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        (void) sigaddset(&signals, wanted[i]);
    }

    fd = sigprocmask(SIG_BLOCK, &signals, NULL) == 0
         ? signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK) : -1;

    if (fd == -1) {
        return ctl_fail(CTL_FAILED, "signals cannot be received");
    }

    rc = ctl_top_screen_begin();

    if (rc == CTL_OK) {
        ctl_top_loop(top, fd);
        ctl_top_screen_end();
    }

    (void) close(fd);

    return rc;
}


int
ctl_top(ctl_t *ctl, int argc, char **argv)
{
    int        rc;
    ctl_top_t  top;

    if (argc == 0 || argc > CTL_TOP_URLS) {
        return ctl_fail(CTL_USAGE, "top needs 1 to %d URLs of jobruns_status",
                        CTL_TOP_URLS);
    }

    memset(&top, 0, sizeof(top));
    top.interval = (long long) (ctl->interval * 1000);

    rc = ctl_top_fetch_begin(ctl, &top, argc, argv);

    if (rc == CTL_OK) {
        rc = ctl->once || ctl->json || !ctl_top_screen_possible()
             ? ctl_top_once(ctl, &top) : ctl_top_interactive(&top);
    }

    ctl_top_fetch_end(&top);

    return rc;
}
