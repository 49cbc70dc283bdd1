/*
 * The hash slot of a key: CRC-16/XMODEM (polynomial 0x1021, initial value 0,
 * nothing reflected), as appendix A of the Redis Cluster specification names
 * it.
 */

#include "ngx_redis_cluster_map.h"
#include "ngx_redis_cluster_slot.h"

#include <string.h>


static uint16_t ngx_redis_cluster_crc16(const unsigned char *p, size_t len);


uint16_t
ngx_redis_cluster_slot(const void *key, size_t len)
{
    const unsigned char  *p, *open, *close;

    p = key;
    open = len ? memchr(p, '{', len) : NULL;

    if (open) {
        open++;
        close = memchr(open, '}', len - (size_t) (open - p));

        if (close && close != open) {
            p = open;
            len = (size_t) (close - open);
        }
    }

    return ngx_redis_cluster_crc16(p, len) & (NGX_REDIS_CLUSTER_SLOTS - 1);
}


/*
 * Four bits at a time: keys are short, and sixteen numbers can be read over,
 * which 256 cannot.
 */

static uint16_t
ngx_redis_cluster_crc16(const unsigned char *p, size_t len)
{
    uint16_t  crc;

    static const uint16_t  table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
    };

    crc = 0;

    while (len--) {
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (*p >> 4)];
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (*p & 0x0f)];
        p++;
    }

    return crc;
}
