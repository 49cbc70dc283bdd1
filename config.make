# SPDX-License-Identifier: BSD-2-Clause
#
# Read by NGINX's auto/make after the Makefile is written.

# The generated sources follow the files that they are made of.

jr_gen=$NGX_OBJS/addon/jobruns_gen
jr_embedded=`perl $ngx_addon_dir/util/embed --list \
             | sed "s|^|$ngx_addon_dir/|" | tr '\n' ' '`

cat << END                                                    >> $NGX_MAKEFILE

$jr_gen/jr_embedded.c:	$ngx_addon_dir/util/embed $jr_embedded
	perl $ngx_addon_dir/util/embed $jr_gen

$jr_gen/jr_embedded.h:	$jr_gen/jr_embedded.c

END


# Flags for the module's own sources alone (GNU make); JR_CFLAGS is of
# util/build-nginx.  Calls among them and into NGINX do without a table: what
# is in the module is nobody else's, and a packaged NGINX binds at the start
# (-z now), so there is nothing to bind later.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/addon/%: CFLAGS += -fvisibility=hidden -fno-plt $JR_CFLAGS

END
