/*
 * The hash slot of a key: CRC-16/XMODEM (polynomial 0x1021, initial value 0,
 * nothing reflected), as appendix A of the Redis Cluster specification names
 * it.
 */

#ifndef NGX_REDIS_CLUSTER_SLOT_H_INCLUDED
#define NGX_REDIS_CLUSTER_SLOT_H_INCLUDED

#include "ngx_redis_cluster_map.h"


/*
 * CRC16 (XMODEM) of the key modulo 16384; of a key with a non-empty "{...}",
 * of what is between the first "{" and the first "}" behind it.
 */
uint16_t ngx_redis_cluster_slot(const void *key, size_t len);


#endif /* NGX_REDIS_CLUSTER_SLOT_H_INCLUDED */
