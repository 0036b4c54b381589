#!/usr/bin/env bash
# Private PostgreSQL and RabbitMQ servers for tests that restart or kill one.
#
#   servers.sh ensure  [postgres] [rabbitmq]     installs Debian's packages if the programs are missing; also: chromium, npm
#   servers.sh start-postgres   DIR [OWNER]      starts a server, prints its URL
#   servers.sh restart-postgres DIR              same URL, same data; also after kill-postgres
#   servers.sh kill-postgres    DIR              kill -9, data stay
#   servers.sh stop-postgres    DIR              stops it and removes everything
#   servers.sh {start,restart,kill,stop}-rabbitmq DIR …   the same for RabbitMQ
#
# DIR is an existing folder that belongs to the caller; a state file in it remembers the server. OWNER is the process that the
# server belongs to (by default the caller): when it ends without stopping its server, however it ends, a watchdog does so.
# Any number of servers run side by side: each has its own ports, data, cookie and epmd. Nothing but Debian's packages
# `postgresql` and `rabbitmq-server` is needed, and no privileges; root starts PostgreSQL, which refuses root, as another user.
#
# Exit codes: 0 done; 2 wrong usage; 3 the server cannot be started, with the reason on standard error.

set -u -o pipefail

# Seconds until a server that does not answer counts as failed.
readonly START_LIMIT=180
# Seconds until a server that does not stop by itself is killed.
readonly STOP_LIMIT=30
# Ports are taken from here: below the range that Linux hands out to outgoing connections, so that a server which is down for
# a moment finds its port free again.
readonly FIRST_PORT=20000 LAST_PORT=31999

fail() {
    printf 'servers.sh: %s\n' "$*" >&2
    exit 3
}

usage() {
    sed -n '3,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# --- programs -----------------------------------------------------------------------------------------------------------

# Folder with Debian's PostgreSQL server programs, the newest version first.
postgres_programs() {
    local candidate
    for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5 -V -r) /usr/local/bin /usr/bin; do
        if [[ -x $candidate/initdb && -x $candidate/pg_ctl && -x $candidate/postgres ]]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# RabbitMQ's own start script. /usr/sbin/rabbitmq-server is Debian's wrapper around it, for the system's server and user only.
rabbitmq_program() {
    local candidate
    for candidate in /usr/lib/rabbitmq/bin/rabbitmq-server /usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server \
        /opt/rabbitmq/sbin/rabbitmq-server; do
        if [[ -x $candidate ]] && command -v erl >/dev/null && command -v epmd >/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# ChromeDriver, a Chromium of the same version, and a font for the Japanese on the pictures of the pages.
chromium_programs() {
    command -v chromedriver >/dev/null && command -v chromium >/dev/null && [[ -n $(fc-list :lang=ja 2>/dev/null) ]]
}

# Installs Debian packages without starting the servers that they bring: those would occupy the default ports.
install_packages() {
    command -v apt-get >/dev/null || fail "$* not installed and no apt-get here: install them by hand"
    local as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        sudo -n true 2>/dev/null || fail "$* not installed: run 'apt-get install $*' as root, and try again"
        as_root=(sudo -n)
    fi
    printf 'servers.sh: installing Debian packages: %s\n' "$*" >&2
    local log
    log=$(mktemp) || fail "no temporary file can be made in ${TMPDIR:-/tmp}"
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive bash -c '
            policy=/usr/sbin/policy-rc.d
            if [[ ! -e $policy ]]; then
                trap "rm -f $policy" EXIT
                printf "#!/bin/sh\nexit 101\n" >$policy
                chmod 755 $policy
            fi
            wait_for_lock="-o DPkg::Lock::Timeout=300"
            apt-get update -q && apt-get install -y -q $wait_for_lock --no-install-recommends "$@"
        ' install "$@" </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "'apt-get install $*' failed, see above"
    fi
    rm -f "$log"
}

# Makes sure that the programs are there. One process installs at a time; the others find them installed.
ensure() {
    local missing=() server
    [[ $# -gt 0 ]] || set -- postgres rabbitmq
    exec 9>"${TMPDIR:-/tmp}/mimamori-install-$(id -u).lock"
    flock 9
    for server in "$@"; do
        case $server in
            postgres) postgres_programs >/dev/null || missing+=(postgresql) ;;
            rabbitmq) rabbitmq_program >/dev/null || missing+=(rabbitmq-server) ;;
            npm) command -v npm >/dev/null || missing+=(npm) ;;
            chromium) chromium_programs || missing+=(chromium chromium-driver fonts-noto-cjk) ;;
            *) usage ;;
        esac
    done
    if [[ ${#missing[@]} -gt 0 ]]; then install_packages "${missing[@]}"; fi
    exec 9>&-
}

# --- ports --------------------------------------------------------------------------------------------------------------

listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints a port that nothing listens on, reserved for the server whose folder is $1 until `release_ports`.
reserve_port() {
    local home=$1 port try
    for ((try = 0; try < 200; try++)); do
        port=$((FIRST_PORT + (RANDOM * 32768 + RANDOM) % (LAST_PORT - FIRST_PORT + 1)))
        # Making a folder either succeeds or fails, however many try at once.
        if mkdir "${TMPDIR:-/tmp}/mimamori-port-$port" 2>/dev/null; then
            printf '%s\n' "$port" >>"$home/ports"
            if ! listening "$port"; then
                printf '%s\n' "$port"
                return
            fi
        fi
    done
    fail "no free port between $FIRST_PORT and $LAST_PORT"
}

release_ports() {
    local port
    [[ -f $1/ports ]] || return 0
    while read -r port; do rmdir "${TMPDIR:-/tmp}/mimamori-port-$port" 2>/dev/null; done <"$1/ports"
    return 0
}

# --- processes ----------------------------------------------------------------------------------------------------------

# When the process started, in the kernel's ticks: tells it from a later process with the same number. Empty if it is gone
# or only waits for its parent to read its exit code.
started_at() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The program's name, in brackets, may hold spaces: count from behind it.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [[ $1 == Z || $1 == X ]] || printf '%s\n' "${20}"
}

# Waits until the process has ended, at most $2 seconds.
await_end() {
    local pid=$1 end=$((SECONDS + $2)) start
    start=$(started_at "$pid")
    [[ -n $start ]] || return 0
    while [[ $(started_at "$pid") == "$start" ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# Writes a process number to file $2, with its start. The file may outlive the process, whose number may then be a stranger's.
remember_process() {
    printf '%s %s\n' "$1" "$(started_at "$1")" >"$2"
}

# The process in file $1, if it still runs.
remembered_process() {
    local pid start
    read -r pid start 2>/dev/null <"$1" || return 0
    [[ -n $start && $(started_at "$pid") == "$start" ]] && printf '%s\n' "$pid"
    return 0
}

# Ends a process: asks with signal $2, then kills it. Without a number there is nothing to end.
end_process() {
    local pid=$1
    [[ -n $pid && -n $(started_at "$pid") ]] || return 0
    kill "-$2" "$pid" 2>/dev/null
    if ! await_end "$pid" "$STOP_LIMIT"; then
        kill -KILL "$pid" 2>/dev/null
        await_end "$pid" 10
    fi
}

# Runs a command as the user that PostgreSQL runs as.
as_server_user() {
    if [[ $(id -u) -eq 0 ]]; then
        setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# --- state --------------------------------------------------------------------------------------------------------------

# State files hold shell assignments, quoted by printf.
save_state() {
    local name
    for name in kind home port dist_port epmd_port server_user url; do
        printf '%s=%q\n' "$name" "${!name-}"
    done >"$state.new" && mv "$state.new" "$state"
}

load_state() {
    [[ -f $state ]] || fail "$state: no such file; was start-$kind called with this folder?"
    # shellcheck disable=SC1090
    source "$state"
}

# Makes the server's folder, and starts the watchdog over it before there is any process that could stay behind.
make_home() {
    local base
    for base in "${TMPDIR:-/tmp}" /tmp; do
        home=$(mktemp -d "$base/mimamori-$kind-XXXXXX") || fail "no folder can be made in $base"
        if [[ -z $server_user || $server_user == "$(id -un)" ]]; then break; fi
        chown "$server_user" "$home"
        # The folder above may be closed to that user.
        if as_server_user test -w "$home"; then break; fi
        rmdir "$home"
        home=''
    done
    [[ -n $home ]] || fail "user $server_user can write neither in ${TMPDIR:-/tmp} nor in /tmp"
    save_state
    setsid bash "$0" "watch-$kind" "${state%/*}" "$owner" "$$" </dev/null >/dev/null 2>&1 &
}

# Stops the server when the process it belongs to is gone. Runs in a session of its own, so that an interrupt on the terminal
# does not end it first, and ends with the server's folder.
watch_owner() {
    local owner=$1 starter=$2 start
    start=$(started_at "$owner")
    while [[ -d $home && -n $start && $(started_at "$owner") == "$start" ]]; do sleep 0.5; done
    await_end "$starter" $((START_LIMIT * 3))
    if [[ -d $home ]]; then "stop_$kind"; fi
}

# Removes what was started so far, and ends.
give_up() {
    if [[ -d $home ]]; then "stop_$kind"; fi
    exit 3
}

# --- PostgreSQL ---------------------------------------------------------------------------------------------------------

choose_server_user() {
    server_user=$(id -un)
    [[ $(id -u) -eq 0 ]] || return 0
    for server_user in postgres nobody; do
        if id "$server_user" >/dev/null 2>&1; then return; fi
    done
    fail "PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody'"
}

start_postgres() {
    ensure postgres
    choose_server_user
    make_home
    local programs log
    programs=$(postgres_programs) || fail "PostgreSQL's programs (initdb, pg_ctl) not found under /usr/lib/postgresql"
    log=$home/initdb.log
    # Data need not survive a power cut while they are made; later the server syncs as it would in production.
    if ! (cd "$home" && as_server_user "$programs/initdb" --no-sync -D "$home/data" -U postgres -A trust -E UTF8 \
        --locale=C) >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        stop_postgres
        fail "initdb failed, see above"
    fi
    local try
    for try in 1 2 3; do
        port=$(reserve_port "$home") || give_up
        save_state
        if run_postgres; then break; fi
        if ((try == 3)); then
            tail -n 20 "$home/server.log" >&2
            stop_postgres
            fail "PostgreSQL did not start, see above"
        fi
    done
    url="postgres://postgres@127.0.0.1:$port/postgres"
    save_state
}

# Starts the server on its data, and waits until it answers.
run_postgres() {
    local programs
    programs=$(postgres_programs) || return 1
    (cd "$home" && as_server_user "$programs/pg_ctl" start --silent --wait --timeout="$START_LIMIT" -D "$home/data" \
        --log="$home/server.log" \
        --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200") \
        >"$home/pg_ctl.log" 2>&1 </dev/null
}

postgres_pid() {
    local pid
    pid=$(head -n 1 "$home/data/postmaster.pid" 2>/dev/null) || return 0
    [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == postgres ]] && printf '%s\n' "$pid"
    return 0
}

halt_postgres() {
    # SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, clients are disconnected.
    end_process "$(postgres_pid)" INT
}

restart_postgres() {
    halt_postgres
    # After a kill, children of the old server hold its shared memory for a moment and the new one refuses to start.
    local try
    for ((try = 0; try < 20; try++)); do
        if run_postgres; then return; fi
        sleep 0.25
    done
    tail -n 20 "$home/server.log" >&2
    fail "PostgreSQL did not come back on port $port, see above"
}

kill_postgres() {
    local pid
    pid=$(postgres_pid)
    [[ -n $pid ]] || return 0
    kill -KILL "$pid" 2>/dev/null
    await_end "$pid" 10
}

stop_postgres() {
    halt_postgres
    release_ports "$home"
    rm -rf "$home" "$state"
}

# --- RabbitMQ -----------------------------------------------------------------------------------------------------------

start_rabbitmq() {
    ensure rabbitmq
    rabbitmq_program >/dev/null || fail "RabbitMQ's programs (rabbitmq-server, erl, epmd) not found under /usr/lib/rabbitmq"
    make_home
    local try
    for try in 1 2 3; do
        port=$(reserve_port "$home") && dist_port=$(reserve_port "$home") &&
            epmd_port=$(reserve_port "$home") || give_up
        # The system's configuration must not reach this server: it has files of its own.
        cat >"$home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$port
disk_free_limit.absolute = 20MB
log.console = false
CONF
        printf '[].\n' >"$home/enabled_plugins"
        : >"$home/rabbitmq-env.conf"
        save_state
        if run_rabbitmq; then break; fi
        if ((try == 3)); then
            show_rabbitmq_log
            stop_rabbitmq
            fail "RabbitMQ did not start, see above"
        fi
        end_process "$(rabbitmq_pid)" KILL
        end_process "$(epmd_pid)" KILL
        rm -rf "$home/mnesia"
    done
    url="amqp://guest:guest@127.0.0.1:$port/%2f"
    save_state
}

show_rabbitmq_log() {
    tail -n 20 "$home/console.log" "$home/log/"*.log >&2
}

# Starts the broker on its data, and waits until it answers in its protocol.
run_rabbitmq() {
    # epmd, where Erlang nodes find each other, would stay behind as a daemon of the system: a private one is started first.
    if [[ -z $(epmd_pid) ]]; then
        setsid epmd -port "$epmd_port" -address 127.0.0.1 </dev/null >"$home/epmd.log" 2>&1 &
        local epmd=$! end=$((SECONDS + 10))
        remember_process "$epmd" "$home/epmd.pid"
        until listening "$epmd_port"; do
            ((SECONDS < end)) && [[ -n $(started_at "$epmd") ]] || return 1
            sleep 0.05
        done
    fi
    # With RUNNING_UNDER_SYSTEMD the script becomes the broker, so that its process id is the broker's.
    env -u NOTIFY_SOCKET -u ERL_LIBS -u ERL_FLAGS HOME="$home" \
        RUNNING_UNDER_SYSTEMD=true \
        ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1 \
        ERL_FLAGS="-kernel inet_dist_use_interface {127,0,0,1}" \
        ERL_CRASH_DUMP_SECONDS=0 \
        RABBITMQ_CONF_ENV_FILE="$home/rabbitmq-env.conf" \
        RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
        RABBITMQ_ADVANCED_CONFIG_FILE="$home/advanced.config" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" \
        RABBITMQ_NODENAME="mimamori-$port@localhost" \
        RABBITMQ_DIST_PORT="$dist_port" \
        RABBITMQ_MNESIA_BASE="$home/mnesia" \
        RABBITMQ_LOG_BASE="$home/log" \
        RABBITMQ_FEATURE_FLAGS_FILE="$home/feature_flags" \
        RABBITMQ_GENERATED_CONFIG_DIR="$home/generated" \
        RABBITMQ_SCHEMA_DIR="$home/schema" \
        setsid "$(rabbitmq_program)" </dev/null >"$home/console.log" 2>&1 &
    local pid=$! end=$((SECONDS + START_LIMIT))
    remember_process "$pid" "$home/beam.pid"
    until answers_amqp "$port"; do
        ((SECONDS < end)) && [[ -n $(started_at "$pid") ]] || return 1
        sleep 0.1
    done
}

# Whether the first byte of the answer to AMQP's greeting is that of a method frame (Connection.Start).
answers_amqp() {
    local byte
    byte=$(
        exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf 'AMQP\0\0\011\001' >&3
        timeout 5 head -c 1 <&3 | od -An -tu1
    ) || return 1
    [[ ${byte// /} == 1 ]]
}

rabbitmq_pid() {
    [[ ! -f $home/beam.pid ]] || remembered_process "$home/beam.pid"
}

epmd_pid() {
    [[ ! -f $home/epmd.pid ]] || remembered_process "$home/epmd.pid"
}

halt_rabbitmq() {
    end_process "$(rabbitmq_pid)" TERM
}

restart_rabbitmq() {
    halt_rabbitmq
    if ! run_rabbitmq; then
        show_rabbitmq_log
        fail "RabbitMQ did not come back on port $port, see above"
    fi
}

kill_rabbitmq() {
    local pid
    pid=$(rabbitmq_pid)
    [[ -n $pid ]] || return 0
    kill -KILL "$pid" 2>/dev/null
    await_end "$pid" 10
}

stop_rabbitmq() {
    halt_rabbitmq
    end_process "$(epmd_pid)" TERM
    release_ports "$home"
    rm -rf "$home" "$state"
}

# --- commands -----------------------------------------------------------------------------------------------------------

if [[ ${1-} == ensure ]]; then
    shift
    ensure "$@"
    exit 0
fi
# `watch` is the watchdog that `start` leaves behind.
[[ ${1-} =~ ^(start|restart|kill|stop|watch)-(postgres|rabbitmq)$ && $# -ge 2 ]] || usage
action=${BASH_REMATCH[1]} kind=${BASH_REMATCH[2]}
[[ -d $2 ]] || fail "$2: not a folder"
state=$(cd "$2" && pwd)/$kind.state
home='' port='' dist_port='' epmd_port='' server_user='' url=''

case $action in
    start)
        [[ ! -e $state ]] || fail "$state exists: a server was started here and not stopped"
        owner=${3:-$PPID}
        [[ -n $(started_at "$owner") ]] || fail "owner $owner: no such process"
        trap give_up INT TERM HUP
        "start_$kind"
        printf '%s\n' "$url"
        ;;
    restart)
        load_state
        "restart_$kind"
        printf '%s\n' "$url"
        ;;
    stop)
        # Stopping twice is no error: what matters is that nothing runs any more.
        if [[ -f $state ]]; then
            load_state
            "stop_$kind"
        fi
        ;;
    kill)
        load_state
        "kill_$kind"
        ;;
    watch)
        load_state
        watch_owner "$3" "$4"
        ;;
esac
