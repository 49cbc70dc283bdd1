/*
 * What other systems call a time zone: offsets in forms that Java does not
 * take, and the names of Windows.
 */

#include <string.h>
#include <strings.h>

#include "jr_timezone.h"


typedef struct {
    const char  *name;
    const char  *id;
} jr_timezone_windows_t;


static size_t jr_timezone_digits(const char *s, size_t len, unsigned *n);


/* as CLDR maps them, where no territory is given; "Standard Time" follows */

static const jr_timezone_windows_t  jr_timezone_windows[] = {
    { "AUS Central", "Australia/Darwin" },
    { "AUS Eastern", "Australia/Sydney" },
    { "Afghanistan", "Asia/Kabul" },
    { "Alaskan", "America/Anchorage" },
    { "Arab", "Asia/Riyadh" },
    { "Arabian", "Asia/Dubai" },
    { "Arabic", "Asia/Baghdad" },
    { "Argentina", "America/Buenos_Aires" },
    { "Atlantic", "America/Halifax" },
    { "Azerbaijan", "Asia/Baku" },
    { "Azores", "Atlantic/Azores" },
    { "Bangladesh", "Asia/Dhaka" },
    { "Belarus", "Europe/Minsk" },
    { "Canada Central", "America/Regina" },
    { "Cape Verde", "Atlantic/Cape_Verde" },
    { "Caucasus", "Asia/Yerevan" },
    { "Cen. Australia", "Australia/Adelaide" },
    { "Central", "America/Chicago" },
    { "Central America", "America/Guatemala" },
    { "Central Asia", "Asia/Almaty" },
    { "Central Brazilian", "America/Cuiaba" },
    { "Central Europe", "Europe/Budapest" },
    { "Central European", "Europe/Warsaw" },
    { "Central Pacific", "Pacific/Guadalcanal" },
    { "China", "Asia/Shanghai" },
    { "E. Africa", "Africa/Nairobi" },
    { "E. Australia", "Australia/Brisbane" },
    { "E. Europe", "Europe/Chisinau" },
    { "E. South America", "America/Sao_Paulo" },
    { "Eastern", "America/New_York" },
    { "Egypt", "Africa/Cairo" },
    { "Ekaterinburg", "Asia/Yekaterinburg" },
    { "FLE", "Europe/Kiev" },
    { "Fiji", "Pacific/Fiji" },
    { "GMT", "Europe/London" },
    { "GTB", "Europe/Bucharest" },
    { "Georgian", "Asia/Tbilisi" },
    { "Greenland", "America/Godthab" },
    { "Greenwich", "Atlantic/Reykjavik" },
    { "Hawaiian", "Pacific/Honolulu" },
    { "India", "Asia/Calcutta" },
    { "Iran", "Asia/Tehran" },
    { "Israel", "Asia/Jerusalem" },
    { "Jordan", "Asia/Amman" },
    { "Korea", "Asia/Seoul" },
    { "Mauritius", "Indian/Mauritius" },
    { "Middle East", "Asia/Beirut" },
    { "Montevideo", "America/Montevideo" },
    { "Morocco", "Africa/Casablanca" },
    { "Mountain", "America/Denver" },
    { "Myanmar", "Asia/Rangoon" },
    { "N. Central Asia", "Asia/Novosibirsk" },
    { "Namibia", "Africa/Windhoek" },
    { "Nepal", "Asia/Katmandu" },
    { "New Zealand", "Pacific/Auckland" },
    { "Newfoundland", "America/St_Johns" },
    { "North Asia", "Asia/Krasnoyarsk" },
    { "North Asia East", "Asia/Irkutsk" },
    { "Pacific", "America/Los_Angeles" },
    { "Pacific SA", "America/Santiago" },
    { "Pakistan", "Asia/Karachi" },
    { "Paraguay", "America/Asuncion" },
    { "Romance", "Europe/Paris" },
    { "Russian", "Europe/Moscow" },
    { "SA Eastern", "America/Cayenne" },
    { "SA Pacific", "America/Bogota" },
    { "SA Western", "America/La_Paz" },
    { "SE Asia", "Asia/Bangkok" },
    { "Samoa", "Pacific/Apia" },
    { "Singapore", "Asia/Singapore" },
    { "South Africa", "Africa/Johannesburg" },
    { "Sri Lanka", "Asia/Colombo" },
    { "Syria", "Asia/Damascus" },
    { "Taipei", "Asia/Taipei" },
    { "Tasmania", "Australia/Hobart" },
    { "Tokyo", "Asia/Tokyo" },
    { "Tonga", "Pacific/Tongatapu" },
    { "Turkey", "Europe/Istanbul" },
    { "US Eastern", "America/Indianapolis" },
    { "US Mountain", "America/Phoenix" },
    { "Ulaanbaatar", "Asia/Ulaanbaatar" },
    { "Venezuela", "America/Caracas" },
    { "Vladivostok", "Asia/Vladivostok" },
    { "W. Australia", "Australia/Perth" },
    { "W. Central Africa", "Africa/Lagos" },
    { "W. Europe", "Europe/Berlin" },
    { "West Asia", "Asia/Tashkent" },
    { "West Pacific", "Pacific/Port_Moresby" },
    { "Yakutsk", "Asia/Yakutsk" },
    { NULL, NULL }
};


const char *
jr_timezone_of_windows(const char *name, size_t len)
{
    size_t                        n;
    const jr_timezone_windows_t  *w;

    static const char  standard[] = " Standard Time";
    static const char  daylight[] = " Daylight Time";

    n = sizeof(standard) - 1;

    if (len <= n || (strncasecmp(name + len - n, standard, n) != 0
                     && strncasecmp(name + len - n, daylight, n) != 0))
    {
        return NULL;
    }

    len -= n;

    for (w = jr_timezone_windows; w->name != NULL; w++) {
        if (strlen(w->name) == len && strncasecmp(w->name, name, len) == 0) {
            return w->id;
        }
    }

    return NULL;
}


size_t
jr_timezone_offset(const char *id, size_t len, char dst[JR_TIMEZONE_OFFSET])
{
    char        sign;
    size_t      n, prefix;
    unsigned    hours, minutes;

    prefix = len > 3 && (strncasecmp(id, "UTC", 3) == 0
                         || strncasecmp(id, "GMT", 3) == 0) ? 3
           : len > 2 && strncasecmp(id, "UT", 2) == 0 ? 2 : 0;

    for (n = 0; n < prefix; n++) {
        dst[n] = (char) (id[n] & ~0x20);
    }

    while (n < len && id[n] == ' ') {
        n++;
    }

    if (n == len || (id[n] != '+' && id[n] != '-')) {
        return 0;
    }

    sign = id[n++];
    id += n;
    len -= n;

    n = jr_timezone_digits(id, len, &hours);
    minutes = 0;

    if (n == 0) {
        return 0;
    }

    if (n > 2) {
        minutes = hours % 100;
        hours /= 100;

    } else if (n < len && (id[n] == ':' || id[n] == '.')) {
        id += n + 1;
        len -= n + 1;

        n = jr_timezone_digits(id, len, &minutes);

        if (n != 2) {
            return 0;
        }
    }

    if (n != len || minutes > 59 || hours * 60 + minutes > 18 * 60) {
        return 0;
    }

    dst[prefix] = sign;
    dst[prefix + 1] = (char) ('0' + hours / 10);
    dst[prefix + 2] = (char) ('0' + hours % 10);
    dst[prefix + 3] = ':';
    dst[prefix + 4] = (char) ('0' + minutes / 10);
    dst[prefix + 5] = (char) ('0' + minutes % 10);
    dst[prefix + 6] = '\0';

    return prefix + 6;
}


/* at most four, else none */

static size_t
jr_timezone_digits(const char *s, size_t len, unsigned *n)
{
    size_t  i;

    *n = 0;

    for (i = 0; i < len && s[i] >= '0' && s[i] <= '9'; i++) {

        if (i == 4) {
            return 0;
        }

        *n = *n * 10 + (unsigned) (s[i] - '0');
    }

    return i;
}
