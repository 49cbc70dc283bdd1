/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recognises the path of createJobRun.
 *
 *   /{version}/aiDataPlatforms/{id}/workspaces/{workspaceKey}/jobRuns
 *   /{version}/dataLakes/{id}/workspaces/{workspaceKey}/jobRuns
 *
 * with an 8-digit version (CONTRACT of the API page; the older family is
 * what services of before 20260430 answer to).
 *
 * NGINX routes on the decoded, merged URI while the service sees the raw
 * one, so a path may be a createJobRun to one of them and not to the other.
 * Such a path is told apart, to be refused and never forwarded unchecked.
 */

#ifndef JR_PATH_H_INCLUDED
#define JR_PATH_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


/* bytes of an id or key after percent-decoding */
#define JR_KEY_MAX  255

/* bytes of a path that is looked into: what takes longer to read is suspect,
   as far as large_client_header_buffers of NGINX lets it in */
#define JR_PATH_MAX  65536


typedef enum {
    JR_PATH_OTHER = 0,          /* nobody takes it for createJobRun */
    JR_PATH_CREATE,             /* createJobRun, plainly spelled */
    JR_PATH_SUSPECT             /* somebody may take it for createJobRun */
} jr_path_e;


typedef struct {
    jr_str_t  version;          /* into the raw path */
    jr_str_t  family;           /* "aiDataPlatforms" or "dataLakes" */
    jr_str_t  raw_platform;     /* as spelled */
    jr_str_t  raw_workspace;
    jr_str_t  platform;         /* percent-decoded: into the raw path, or the
                                   arrays below where it is escaped */
    jr_str_t  workspace;
    char      platform_buf[JR_KEY_MAX];
    char      workspace_buf[JR_KEY_MAX];
} jr_path_t;


/*
 * Classifies a request by its raw target (with or without a query) and by
 * the URI that NGINX made of it (decoded, slashes merged, perhaps
 * rewritten).  Allocates nothing; the time is linear in the length.  For
 * JR_PATH_CREATE the raw parts of *path are set; its keys are not yet decoded
 * nor checked.
 */
jr_path_e jr_path_classify(jr_str_t raw, jr_str_t uri, jr_path_t *path);

/*
 * Classifies a request target as it stands in a request line: a path with or
 * without a query, or the absolute form ("http://host/path", never plain).
 * The same otherwise.
 */
jr_path_e jr_path_classify_target(jr_str_t target, jr_path_t *path);

/*
 * Decodes and checks the keys of a JR_PATH_CREATE path.  JR_INVALID: *what
 * is a message for the client (static text); the keys are set as far as they
 * can be, else empty.
 */
jr_status_e jr_path_keys(jr_path_t *path, const char **what);


#endif /* JR_PATH_H_INCLUDED */
