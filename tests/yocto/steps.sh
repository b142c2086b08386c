# Sourced by tests/yocto/run: the steps. Each says how long it took; its output is in $work/log.

ALL_STEPS=(graph-qemux86-64 graph-qemuarm64 graph-raspberrypi4-64 dry-qemux86-64 dry-qemuarm64 dry-raspberrypi4-64
    parse check-layer sources crates recipes packages ptest)
YOCTO_PACKAGES=("${BUILD_PACKAGES[@]}" bzip2 chrpath cpio diffstat dpkg-dev file gawk git libdw-dev libelf-dev locales lz4 patch
    pseudo python3 rpcsvc-proto rpm socat texinfo util-linux wget xz-utils zstd)
RECIPES=(cassia-bypass cassia-bypass-cockpit cassia-router-conf)

# Runs a command as the ordinary user, with nothing of our environment but what it needs.
as_user() {
    local become=()
    [ "$(id -u)" != 0 ] || become=(setpriv "--reuid=$user" "--regid=$user" --init-groups)
    env -i "${become[@]}" env HOME="$work/home" LANG=en_US.UTF-8 LC_ALL=en_US.UTF-8 TERM=dumb USER="$user" SHELL=/bin/bash \
        PATH="$work/rust/bin:$work/layers/bitbake/bin:$work/layers/openembedded-core/scripts:$work/layers/opkg-utils:/usr/sbin:/usr/bin:/sbin:/bin" \
        "$@"
}

# A place for everything, and copies that the user can read.
prepare() {
    local name
    mkdir -p "$work"/{home,log,layers,downloads,build,build-parse,build-check,build-host}
    printf '[safe]\n\tdirectory = *\n' >"$work/home/.gitconfig"
    for name in "${!layer[@]}"; do
        rm -rf "${work:?}/layers/$name"
        if [ "$(HOME=$work/home git -C "${layer[$name]}" rev-parse --git-dir 2>/dev/null)" = . ]; then
            local branch=(--branch wrynose)
            [ "$name" != bitbake ] || branch=(--branch 2.18)
            [ "$name" != opkg-utils ] || branch=()
            HOME=$work/home git clone --quiet --shared "${branch[@]}" "${layer[$name]}" "$work/layers/$name"
        else
            ln -s "${layer[$name]}" "$work/layers/$name"
        fi
    done
    # The recipes build the last commit; the layer is taken as it lies here.
    [ -z "$(git -C "$checkout" status --porcelain -- . ':!meta-cassia' ':!tests/yocto')" ] ||
        echo "what is not committed outside of meta-cassia is not built" >&2
    rm -rf "$work/source"
    HOME=$work/home git clone --quiet --no-local "$checkout" "$work/source"
    # The fetcher looks for commits in branches.
    git -C "$work/source" checkout --quiet -B built
    rm -rf "$work/source/meta-cassia" "$work/source/tests/yocto"
    cp -r "$checkout/meta-cassia" "$work/source/"
    cp -r "$checkout/tests/yocto" "$work/source/tests/"
    if ! cmp -s "$work/rust/version" <(rustc -vV); then
        rm -rf "$work/rust"
        mkdir -p "$work/rust"
        cp -r "$(rustc --print sysroot)"/{bin,lib} "$work/rust/"
        rustc -vV >"$work/rust/version"
    fi
    configure build
    configure build-parse
    configure build-check
    configure build-host
    [ "$(id -u)" != 0 ] || chown -R "$user:" "$work"/{home,layers,downloads,source,build,build-parse,build-check,build-host}
    chmod a+rx "$work" "$work/rust"
}

# configure BUILD: bblayers.conf and local.conf.
configure() {
    local layers=("$work/layers/openembedded-core/meta") name part
    [ "$1" = build-check ] || layers+=("$work/source/meta-cassia")
    if [[ $1 =~ ^build(-parse)?$ ]] && [ -n "${layer[meta-raspberrypi]:-}" ]; then
        layers+=("$work/layers/meta-raspberrypi")
    fi
    if [ "$1" = build-parse ] && [ -n "${layer[meta-openembedded]:-}" ]; then
        for part in oe python networking webserver; do layers+=("$work/layers/meta-openembedded/meta-$part"); done
    fi
    [ "$1" != build-host ] || layers+=("$work/source/tests/yocto/meta-cassia-hosttest")
    mkdir -p "$work/$1/conf"
    cat >"$work/$1/conf/bblayers.conf" <<END
LCONF_VERSION = "7"
BBPATH = "\${TOPDIR}"
BBFILES ?= ""
BBLAYERS ?= "${layers[*]}"
END
    cat >"$work/$1/conf/local.conf" <<END
CONF_VERSION = "2"
MACHINE ??= "qemux86-64"
DL_DIR = "$work/downloads"
BB_NUMBER_THREADS = "${CASSIA_THREADS:-$(nproc)}"
BB_NUMBER_PARSE_THREADS = "${CASSIA_THREADS:-$(nproc)}"
PARALLEL_MAKE = "-j ${CASSIA_THREADS:-$(nproc)}"
# Neither the network nor a C library of the project's servers is needed.
CONNECTIVITY_CHECK_URIS = ""
INHERIT_DISTRO:remove = "uninative"
EXTRA_IMAGE_FEATURES ?= ""
# The firmware of the Raspberry Pi's radio
LICENSE_FLAGS_ACCEPTED = "synaptics-killswitch"
END
    [ "$1" != build-host ] || cat >>"$work/$1/conf/local.conf" <<END
TCMODE = "host"
DISTRO_FEATURES:append = " ptest"
PACKAGE_CLASSES = "package_deb${layer[opkg-utils]:+ package_ipk}"
HOSTTOOLS += "${layer[opkg-utils]:+opkg-build}"
# The one of another distribution may be older than these options.
OPKGBUILDCMD = "opkg-build -Z gzip"
DPKG_BUILDCMD = "dpkg-deb -Zgzip"
BBFILES += "$work/source/meta-cassia/dynamic-layers/webserver/recipes-*/*/*.bb"
# Everything else is a stub or the host's.
BBMASK = "/openembedded-core/meta/recipes-(?!devtools/dwarfsrcfiles)"
END
}

# bitbake BUILD ARGUMENT...
bitbake_in() {
    local build=$1
    shift
    as_user env BBPATH="$work/$build" BUILDDIR="$work/$build" BB_ENV_PASSTHROUGH_ADDITIONS=MACHINE MACHINE="${machine:-qemux86-64}" \
        sh -c 'cd "$BUILDDIR" && exec "$@"' sh "$@"
}

# Nothing may be said that is a warning or an error.
quiet() {
    if grep -E '^(WARNING|ERROR|FATAL)' "$1"; then die "$1 has warnings"; fi
}

run_step() {
    local start=$SECONDS log=$work/log/$1.log
    say "$1"
    if ! "step_$1" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "$1 failed: $log"
    fi
    quiet "$log"
    grep -E '^(SEEN|Summary|Parsing of|NOTE: Tasks Summary|INFO: .*(PASS|Ran))' "$log" || true
    echo "$1: $((SECONDS - start)) s"
}

# Every recipe of every layer that was given.
step_parse() { bitbake_in build-parse bitbake -p; }

step_check-layer() { bitbake_in build-check yocto-check-layer "$work/source/meta-cassia"; }

# Every task that the image of a machine needs, and who provides it.
graph() {
    local machine=$1
    bitbake_in build bitbake -g cassia-router-image
    echo "SEEN $(grep -c ' \[label=' "$work/build/task-depends.dot") tasks"
}
step_graph-qemux86-64() {
    graph qemux86-64
    # The image is not to be had with a login for debugging.
    bitbake_in build sh -c 'EXTRA_IMAGE_FEATURES=empty-root-password BB_ENV_PASSTHROUGH_ADDITIONS=EXTRA_IMAGE_FEATURES \
        bitbake -e -b "$0"' "$work/source/meta-cassia/recipes-core/images/cassia-router-image.bb" >"$work/log/logins" 2>&1 || true
    grep -q 'it must not have logins for debugging: take empty-root-password out' "$work/log/logins"
    echo "SEEN no image with a login for debugging"
}
step_graph-qemuarm64() { graph qemuarm64; }
step_graph-raspberrypi4-64() { graph raspberrypi4-64; }

# The same, task by task, without doing anything.
dry() {
    local machine=$1
    bitbake_in build bitbake -n cassia-router-image
}
step_dry-qemux86-64() { dry qemux86-64; }
step_dry-qemuarm64() { dry qemuarm64; }
step_dry-raspberrypi4-64() { dry raspberrypi4-64; }

# Where the source comes from: by default the checkout around the layer, else the repository that is named; without both it is said
# what is missing.
step_sources() {
    local first other shallow=$work/shallow
    first=$(git_of "$work/source" rev-parse HEAD)
    [ "$(source_of build-host)" = "$first" ]
    # A later commit is not missed although no file of the layer changed.
    other=$(another_commit "$work/source")
    [ "$(source_of build-host)" = "$other" ]
    # A clone of the last commit only, without a branch.
    # What bitbake keeps of an earlier one does not fit to it.
    rm -rf "$shallow" "$work"/downloads/git2/*.shallow*
    git_of "$work" clone --quiet --depth 1 "file://$work/source" "$shallow"
    git_of "$shallow" checkout --quiet --detach
    rm -rf "$shallow/meta-cassia"
    cp -r "$work/source/meta-cassia" "$shallow/"
    other=$(another_commit "$shallow")
    [ "$(source_of build-host "$shallow/meta-cassia")" = "$other" ]
    [ "$(source_of build-host "" "git://$work/source;protocol=file;branch=built" "$first")" = "$first" ]
    # The layer alone.
    rm -rf "${shallow:?}/.git"
    source_of build-host "$shallow/meta-cassia" >"$work/log/alone" 2>&1 || true
    grep -q 'is no git checkout of cassia-bypass' "$work/log/alone"
    echo "SEEN the last commit of a checkout, and of a shallow one; a commit of a repository; the sentence of a layer on its own"
}

git_of() { HOME=$work/home git -C "$@"; }

# another_commit CHECKOUT: makes one and prints it.
another_commit() {
    git_of "$1" -c user.name=test -c user.email=test@localhost commit --quiet --allow-empty --message another
    [ "$(id -u)" != 0 ] || chown -R "$user:" "$1"
    git_of "$1" rev-parse HEAD
}

# source_of BUILD [LAYER [REPOSITORY COMMIT]]: fetches and unpacks, and prints the commit that came.
source_of() {
    local conf=$work/$1/conf own=$work/source/meta-cassia
    cp "$conf/bblayers.conf" "$conf/bblayers.conf.own"
    cp "$conf/local.conf" "$conf/local.conf.own"
    [ -z "${2:-}" ] || sed -i "s|$own|$2|" "$conf/bblayers.conf"
    [ -z "${3:-}" ] || printf 'CASSIA_BYPASS_GIT = "%s"\nCASSIA_BYPASS_COMMIT = "%s"\n' "$3" "$4" >>"$conf/local.conf"
    local status=0 unpacked
    bitbake_in "$1" bitbake -c unpack cassia-bypass >&2 || status=$?
    mv "$conf/bblayers.conf.own" "$conf/bblayers.conf"
    mv "$conf/local.conf.own" "$conf/local.conf"
    [ $status = 0 ] || return $status
    unpacked=$(find "$work/$1/tmp/work" -path '*/cassia-bypass/*/cassia-bypass-*/Cargo.lock' -not -path '*/tests/*' | head -n 1)
    git_of "$(dirname "$unpacked")" rev-parse HEAD
}

# The list of crates as OE-core's class writes it, into the copy of the layer.
step_crates() {
    local list=meta-cassia/recipes-connectivity/cassia-bypass/cassia-bypass-crates.inc
    bitbake_in build-host bitbake -c update_crates cassia-bypass
    cmp "$work/source/$list" "$checkout/$list"
    echo "SEEN $(grep -c crate:// "$checkout/$list") crates, byte for byte"
}

# Every task from do_fetch to the packages, with the checks of OE-core.
step_recipes() {
    local recipe tasks=()
    for recipe in "${RECIPES[@]}"; do
        tasks+=("$recipe:do_package_qa" "$recipe:do_populate_lic" "$recipe:do_package_write_deb")
        [ -z "${layer[opkg-utils]:-}" ] || tasks+=("$recipe:do_package_write_ipk")
    done
    patternfly
    bitbake_in build-host bitbake "${tasks[@]}"
}

# The archive of the page's style, from npm's cache or registry, at the place where bitbake would have put it.
patternfly() {
    local recipe version archive
    recipe=$(find "$checkout/meta-cassia/dynamic-layers" -name 'cassia-bypass-cockpit_*.bb')
    version=$(sed -n 's/^PATTERNFLY_VERSION = "\(.*\)"/\1/p' "$recipe")
    archive=$work/downloads/patternfly-$version.tgz
    [ ! -e "$archive" ] || return 0
    (cd "$work/home" && npm pack --silent "@patternfly/patternfly@$version")
    mv "$work/home/patternfly-patternfly-$version.tgz" "$archive"
    touch "$archive.done"
    [ "$(id -u)" != 0 ] || chown "$user:" "$archive" "$archive.done"
}

# What is in the packages, and who owns it.
step_packages() {
    "$checkout/tests/yocto/contents" "$work/build-host/tmp/deploy/deb" deb >"$work/log/contents.deb"
    diff -u "$checkout/tests/yocto/contents.expected" "$work/log/contents.deb"
    echo "SEEN $(grep -c '^package' "$work/log/contents.deb") packages as expected"
    [ -n "${layer[opkg-utils]:-}" ] || return 0
    "$checkout/tests/yocto/contents" "$work/build-host/tmp/deploy/ipk" ipk >"$work/log/contents.ipk"
    diff -u "$checkout/tests/yocto/contents.expected" "$work/log/contents.ipk"
    echo "SEEN the same in the .ipk packages"
}

# The package of the tests, beside the others, with the user that the preinst makes: as on a device, in a mount namespace.
step_ptest() {
    [ "$(id -u)" = 0 ] || die "ptest: expected root"
    rm -rf "$work/root"
    mkdir -p "$work/root/packages" "$work/root/control"
    local package
    for package in cassia-bypass cassia-bypass-ctl cassia-bypass-ptest; do
        dpkg-deb -x "$work"/build-host/tmp/deploy/deb/*/"${package}"_*.deb "$work/root/packages"
        dpkg-deb -e "$work"/build-host/tmp/deploy/deb/*/"${package}"_*.deb "$work/root/control/$package"
    done
    "$checkout/packaging/hardened" "$work"/root/packages/usr/bin/cassia-bypass{d,ctl} || die "ptest: the programs are not hardened"
    unshare --mount sh "$checkout/tests/yocto/installed" "$work/root"
}
