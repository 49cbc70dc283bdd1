/* SPDX-License-Identifier: BSD-2-Clause
 *
 * top: the terminal.  It shows another screen, without echo and cursor, until
 * it is given back with what was on it before.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "jobrunsctl_top.h"


static struct termios  ctl_top_screen_before;


int
ctl_top_screen_possible(void)
{
    const char  *term;

    term = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)
           && term != NULL && term[0] && strcmp(term, "dumb") != 0;
}


/* the alternate screen, no cursor, no line is continued on the next */

int
ctl_top_screen_begin(void)
{
    struct termios  mode;

    if (tcgetattr(STDIN_FILENO, &ctl_top_screen_before) == -1) {
        return ctl_fail(CTL_FAILED, "the terminal cannot be used");
    }

    mode = ctl_top_screen_before;
    mode.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;

    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode) == -1) {
        return ctl_fail(CTL_FAILED, "the terminal cannot be used");
    }

    fputs("\033[?1049h\033[?25l\033[?7l", stdout);
    fflush(stdout);

    return CTL_OK;
}


void
ctl_top_screen_end(void)
{
    fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    fflush(stdout);

    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &ctl_top_screen_before);
}


static void
ctl_top_screen_size(int *columns, int *rows)
{
    struct winsize  size;

    *columns = 80;
    *rows = 24;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col
        && size.ws_row)
    {
        *columns = size.ws_col;
        *rows = size.ws_row;
    }
}


static void
ctl_top_screen_head(FILE *out, ctl_top_t *top, int columns)
{
    char       clock[16], head[160];
    time_t     now;
    size_t     i, n[ctl_top_silent + 1];
    struct tm  tm;

    memset(n, 0, sizeof(n));

    for (i = 0; i < top->n; i++) {
        n[ctl_top_show_level(&top->gateways[i])] += top->gateways[i].asked;
    }

    now = time(NULL);
    strftime(clock, sizeof(clock), "%H:%M:%S", gmtime_r(&now, &tm));

    snprintf(head, sizeof(head), "%s UTC, %zu gateway%s: %zu silent, %zu bad, "
             "%zu warn, %zu good (q ends)", clock, top->n,
             top->n == 1 ? "" : "s", n[ctl_top_silent], n[ctl_top_bad],
             n[ctl_top_warn], n[ctl_top_good]);
    fprintf(out, "%.*s\n\n", columns, head);
}


/* line by line over what is there, so that nothing flickers */

static void
ctl_top_screen_lines(const char *text, int rows)
{
    int          row;
    size_t       len;
    const char  *p;

    fputs("\033[H", stdout);

    for (row = 1; *text; row++) {
        len = strcspn(text, "\n");

        if (row == rows && text[len] && text[len + 1]) {
            for (p = text; *p; p++) {
                row += (*p == '\n');
            }

            printf("... %d more lines\033[K", row - rows);
            break;
        }

        fwrite(text, 1, len, stdout);
        fputs(row < rows ? "\033[K\r\n" : "\033[K", stdout);

        text += len + (text[len] == '\n');
    }

    fputs("\033[J", stdout);
    fflush(stdout);
}


void
ctl_top_screen_draw(ctl_top_t *top, long long now)
{
    int      columns, rows;
    char    *text;
    FILE    *out;
    size_t   len;

    ctl_top_screen_size(&columns, &rows);
    out = open_memstream(&text, &len);

    if (out == NULL) {
        return;
    }

    ctl_top_screen_head(out, top, columns);
    ctl_top_show(out, top, now, columns, 1);

    if (fclose(out) == 0) {
        ctl_top_screen_lines(text, rows);
    }

    free(text);
}
