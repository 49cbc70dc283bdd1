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


# Flags for the module's own sources alone (GNU make); see util/build-nginx.

if [ -n "$JR_CFLAGS" ]; then
    cat << END                                                >> $NGX_MAKEFILE

$NGX_OBJS/addon/%: CFLAGS += $JR_CFLAGS

END
fi
