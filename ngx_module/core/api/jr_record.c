/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records.
 */

#include "jr_digest.h"
#include "jr_record.h"


jr_status_e
jr_record_read(jr_str_t value, jr_record_t *record)
{
    char        state;
    size_t      head, first;
    jr_str_t    rest;
    jr_pack_t  *v;

    v = record->head;
    rest = value;

    if (jr_pack_read(&rest, JR_RECORD_HEAD, v) != JR_OK
        || v[JR_RECORD_FORMAT].text.data[0] != JR_SCRIPT_FORMAT[0])
    {
        return JR_INVALID;
    }

    state = v[JR_RECORD_STATE].text.data[0];
    head = (size_t) v[JR_RECORD_HEAD_LEN].number;
    first = (size_t) v[JR_RECORD_FIRST_LEN].number;

    if ((state != JR_STATE_CLAIMED[0] && state != JR_STATE_DONE[0]
         && state != JR_STATE_UNKNOWN[0])
        || head < JR_RECORD_SIZE + first
        || head + (state == JR_STATE_DONE[0] ? JR_DONE_SUM_LEN : 0)
           > value.len
        || v[JR_RECORD_END].number == 0)
    {
        return JR_INVALID;
    }

    record->first_id.data = rest.data;
    record->first_id.len = first;

    record->id.data = rest.data + first;
    record->id.len = head - JR_RECORD_SIZE - first;

    if (record->id.len == 0) {
        record->id = record->first_id;
    }

    record->tail.data = value.data + head;
    record->tail.len = value.len - head;

    return JR_OK;
}


jr_status_e
jr_record_read_done(const jr_record_t *record, jr_record_done_t *done)
{
    jr_str_t     rest;
    jr_pack_t    v[JR_DONE_LAST];
    jr_digest_t  md;
    jr_status_e  rc;
    jr_answer_t  answer;

    done->sum.data = record->tail.data;
    done->sum.len = JR_DONE_SUM_LEN;

    rest.data = record->tail.data + JR_DONE_SUM_LEN;
    rest.len = record->tail.len - JR_DONE_SUM_LEN;

    rc = jr_digest(rest.data, rest.len, &md);

    if (rc != JR_OK) {
        return rc;
    }

    if (memcmp(md.bytes, done->sum.data, JR_DONE_SUM_LEN) != 0) {
        return JR_INVALID;
    }

    rest = record->tail;

    if (jr_pack_read(&rest, JR_DONE, v) != JR_OK) {
        return JR_INVALID;
    }

    done->location = v[JR_DONE_LOCATION].text;
    done->run_key = v[JR_DONE_RUN_KEY].text;
    done->answer = rest;

    if (done->location.len == 0 && rest.len) {

        if (jr_answer_decode(rest, &answer) != JR_OK) {
            return JR_INVALID;
        }

        done->location = answer.headers[JR_ANSWER_LOCATION];
    }

    return JR_OK;
}


size_t
jr_record_done_size(jr_str_t location, jr_str_t run_key,
    const jr_answer_t *answer)
{
    jr_pack_t  v[JR_DONE_LAST];

    v[JR_DONE_LOCATION].text = location;
    v[JR_DONE_RUN_KEY].text = run_key;

    return jr_pack_size(JR_DONE, v) + (answer ? jr_answer_size(answer) : 0);
}


jr_status_e
jr_record_write_done(jr_str_t location, jr_str_t run_key,
    const jr_answer_t *answer, char *dst, size_t *len)
{
    char        *p, *summed;
    size_t       n;
    jr_pack_t    v[JR_DONE_LAST];
    jr_digest_t  md;
    jr_status_e  rc;

    static const char  none[JR_DONE_SUM_LEN] = { 0 };

    v[JR_DONE_SUM].text = (jr_str_t) { JR_DONE_SUM_LEN, none };
    v[JR_DONE_LOCATION].text = location;
    v[JR_DONE_RUN_KEY].text = run_key;

    if (answer != NULL && location.len
        && jr_str_eq(answer->headers[JR_ANSWER_LOCATION], location.data,
                     location.len))
    {
        v[JR_DONE_LOCATION].text.len = 0;
    }

    p = jr_pack_write(dst, JR_DONE, v);
    summed = dst + JR_DONE_SUM_LEN;

    if (answer != NULL) {
        rc = jr_answer_encode(answer, p, &n);

        if (rc != JR_OK) {
            return rc;
        }

        p += n;
    }

    rc = jr_digest(summed, (size_t) (p - summed), &md);

    if (rc == JR_OK) {
        memcpy(dst, md.bytes, JR_DONE_SUM_LEN);
        *len = (size_t) (p - dst);
    }

    return rc;
}


jr_str_t
jr_record_answer(jr_str_t tail)
{
    jr_pack_t  v[JR_DONE_LAST];

    if (jr_pack_read(&tail, JR_DONE, v) != JR_OK) {
        tail.len = 0;
    }

    return tail;
}
