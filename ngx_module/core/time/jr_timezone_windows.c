/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What Windows calls time zones.
 */

#include <string.h>
#include <strings.h>

#include "jr_timezone_windows.h"


typedef struct {
    const char  *name;
    const char  *id;
} jr_timezone_windows_t;


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
jr_timezone_windows_id(const char *name, size_t len)
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
