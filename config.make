# Read by NGINX's auto/make after the Makefile is written.

# The generated sources follow the scripts and the schema they are made of.

jr_gen=$NGX_OBJS/addon/jobruns_gen
jr_embedded=`ls $ngx_addon_dir/ngx_module/lua/*.lua \
                $ngx_addon_dir/ngx_module/schema/*.json 2>/dev/null \
             | tr '\n' ' '`

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
