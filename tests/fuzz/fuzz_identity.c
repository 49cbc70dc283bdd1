/*
 * Authorization headers, session tokens included: whatever is understood is
 * bounded, and a name for keys is always a plain one.
 */

#include "fuzz.h"
#include "jr_identity.h"


static void
plain_name(jr_str_t value)
{
    char      buf[64];
    size_t    i;
    jr_str_t  name;

    fuzz_holds(jr_identity_name(value, buf, &name) == JR_OK);
    fuzz_holds(name.len >= 1 && name.len <= JR_NAME_MAX);

    for (i = 0; i < name.len; i++) {
        fuzz_holds(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789._:-",
                          name.data[i])
                   != NULL);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jr_str_t       value;
    jr_identity_t  identity;

    value = fuzz_str(data, size);

    (void) jr_identity_read(value, &identity);

    fuzz_holds(identity.tenancy.len <= JR_IDENTITY_MAX);
    fuzz_holds(identity.principal.len <= JR_IDENTITY_MAX);

    (void) jr_identity_signs(&identity, "accept-encoding");

    if (identity.tenancy.len) {
        plain_name(identity.tenancy);
    }

    if (size) {
        plain_name(value);
    }

    return 0;
}
