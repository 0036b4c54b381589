#!/usr/bin/env bash
# All tests, those against a real RabbitMQ and a real PostgreSQL included: bash tests/run.sh [arguments of cargo test]
#
# Each of the two servers is looked for separately, and the first that is found is used:
#   1. AMQP_URL, DATABASE_URL, if set
#   2. a server on the local default port (5672, 5432) that lets the tests in
#   3. docker-compose.yml, if a Docker engine answers
#   4. Debian's packages, installed if they are missing: a private server on a free port, gone when the tests end
# MIMAMORI_TEST_SERVERS=private goes straight to 4.
#
# When the browser tests are to be run: CHROMEDRIVER, if set, else Debian's Chromium, installed if it is missing; and AXE_CORE,
# if set, else axe-core from the npm registry, kept in the target folder.
#
# Tests that restart or kill a server start private ones of their own (tests/support/servers.sh), whatever is chosen here.
#
# Exit codes: those of cargo test; 3 if a server or the browser cannot be had. What is missing never skips a test.

set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 3

readonly servers=tests/support/servers.sh
# Seconds that a server may take until it answers, when it is named by a URL or is starting already.
readonly PATIENCE=60
# The release of axe-core (MPL-2.0) that the browser tests run, and the hash of its axe.min.js.
readonly AXE_VERSION=4.14.1 AXE_SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

say() { printf 'tests/run.sh: %s\n' "$*" >&2; }

give_up() {
    say "$1"
    say "Set $2, or (a server) start one on the local default port, or a Docker engine, or run where apt-get can install Debian's packages."
    exit 3
}

# --- asking a server ----------------------------------------------------------------------------------------------------

# First bytes of the answer to the bytes that printf makes of $3, as decimal numbers. Empty if nothing listens or answers.
ask() {
    local host=$1 port=$2 greeting=$3 count=$4
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$1/$2" || exit 1
        printf "$3" >&3
        head -c "$4" <&3 | od -An -v -tu1 | tr -s " \n" " "
    ' ask "$host" "$port" "$greeting" "$count" 2>/dev/null
}

# AMQP 0-9-1's greeting. A broker answers with a method frame (1) on channel 0 that holds Connection.Start (10, 10).
speaks_amqp() {
    [[ $(ask "$1" "$2" 'AMQP\0\0\011\001' 11) =~ ^\ 1\ 0\ 0\ .*\ 0\ 10\ 0\ 10\ ?$ ]]
}

# Whether guest/guest may log in: the greeting and, in advance, Connection.StartOk with mechanism PLAIN. After Start (whose
# length stands in its header) comes Connection.Tune (10, 30), or the broker closes the connection.
lets_guest_in() {
    timeout 10 bash -c '
        exec 3<>"/dev/tcp/$1/$2" || exit 1
        printf "AMQP\0\0\011\001" >&3
        header=($(head -c 7 <&3 | od -An -v -tu1))
        [[ ${#header[@]} -eq 7 && ${header[0]} -eq 1 ]] || exit 1
        head -c $((header[3] * 16777216 + header[4] * 65536 + header[5] * 256 + header[6] + 1)) <&3 >/dev/null
        printf "\001\0\0\0\0\0\044\0\012\0\013\0\0\0\0\005PLAIN\0\0\0\014\0guest\0guest\005en_US\316" >&3
        tune=($(head -c 11 <&3 | od -An -v -tu1))
        [[ ${#tune[@]} -eq 11 && ${tune[8]} -eq 10 && ${tune[10]} -eq 30 ]]
    ' login "$1" "$2" 2>/dev/null
}

# How PostgreSQL receives user $3, who asks for database `postgres`: `in` without a password, `password`, `starting` (57P03,
# also while it stops or recovers), `refused`, or nothing if it is no PostgreSQL.
postgres_answer() {
    local user=$3 length answer
    # Length, protocol 3.0, "user", its name, "database", "postgres", each with a zero behind it, and a zero.
    length=$((4 + 4 + 5 + ${#user} + 1 + 9 + 9 + 1))
    answer=$(ask "$1" "$2" "\\0\\0\\0\\x$(printf %02x "$length")\\0\\003\\0\\0user\\0$user\\0database\\0postgres\\0\\0" 200)
    case $answer in
        ' 82 0 0 0 8 0 0 0 0 '*) echo in ;;
        ' 82 '*) echo password ;;
        # "C57P03" as the field of the SQL state
        ' 69 '*' 67 53 55 80 48 51 0 '*) echo starting ;;
        ' 69 '*) echo refused ;;
    esac
}

# Host and port of a URL, or nothing if it names no host (a socket).
place_of() {
    local rest=${1#*://} host port=$2
    rest=${rest%%[/?]*}
    rest=${rest##*@}
    if [[ $rest =~ ^\[(.*)\](:([0-9]+))?$ ]]; then
        host=${BASH_REMATCH[1]} port=${BASH_REMATCH[3]:-$port}
    elif [[ $rest =~ ^([^:]+)(:([0-9]+))?$ ]]; then
        host=${BASH_REMATCH[1]} port=${BASH_REMATCH[3]:-$port}
    fi
    [[ -z ${host-} ]] || printf '%s %s\n' "$host" "$port"
}

# A URL without its password.
shown() { sed -E 's#(://[^:/@]*):[^/]*@#\1:***@#' <<<"$1"; }

# Repeats a check until it holds, for at most PATIENCE seconds.
await() {
    local end=$((SECONDS + PATIENCE))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.5
    done
}

postgres_is_up() {
    local answer
    answer=$(postgres_answer "$1" "$2" postgres)
    [[ -n $answer && $answer != starting ]]
}

# --- the four ways ------------------------------------------------------------------------------------------------------

# Folder that remembers the private servers.
scratch=$(mktemp -d) || exit 3
compose=()

clean_up() {
    local code=$?
    trap '' INT TERM HUP
    "$servers" stop-postgres "$scratch"
    "$servers" stop-rabbitmq "$scratch"
    rm -rf "$scratch"
    if [[ ${#compose[@]} -gt 0 ]]; then "${compose[@]}" down --volumes --timeout 10 >&2; fi
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Starts service $1 of docker-compose.yml, with container port $2 on a free local port, which goes to `docker_port`.
start_with_docker() {
    docker info >/dev/null 2>&1 || return 1
    if [[ ${#compose[@]} -eq 0 ]]; then
        if docker compose version >/dev/null 2>&1; then
            compose=(docker compose)
        elif command -v docker-compose >/dev/null; then
            compose=(docker-compose)
        else
            say "a Docker engine answers, but there is no 'docker compose'"
            return 1
        fi
        # A project of its own, so that an installation from the same file is left alone. Port 0 lets Docker choose.
        export MIMAMORI_AMQP_PORT=0 MIMAMORI_POSTGRES_PORT=0 MIMAMORI_MANAGEMENT_PORT=0
        export MIMAMORI_PASSWORD=mimamori-tests
        compose+=(--project-name "mimamori-tests-$$" --file docker-compose.yml)
    fi
    "${compose[@]}" up --detach "$1" >&2 || return 1
    docker_port=$("${compose[@]}" port "$1" "$2") && docker_port=${docker_port##*:}
    [[ -n $docker_port ]]
}

start_private() {
    # The servers belong to this process: should it be killed, their watchdog stops them.
    "$servers" "start-$1" "$scratch" "$$"
}

choose_rabbitmq() {
    local place
    if [[ $private == no && -n ${AMQP_URL-} ]]; then
        read -r -a place < <(place_of "$AMQP_URL" 5672)
        # A broker behind TLS does not answer a plain greeting: the tests will tell.
        if [[ $AMQP_URL == amqp://* && ${#place[@]} -eq 2 ]] && ! await speaks_amqp "${place[@]}"; then
            say "AMQP_URL: nothing at ${place[0]}:${place[1]} answers in AMQP; start it, or unset AMQP_URL to have one found or started"
            exit 3
        fi
        say "RabbitMQ: AMQP_URL, $(shown "$AMQP_URL")"
        return
    fi
    if [[ $private == no ]] && (exec 3<>/dev/tcp/127.0.0.1/5672) 2>/dev/null; then
        if await speaks_amqp 127.0.0.1 5672 && lets_guest_in 127.0.0.1 5672; then
            AMQP_URL=amqp://guest:guest@127.0.0.1:5672/%2f
            say "RabbitMQ: found on port 5672"
            return
        fi
        say "RabbitMQ: what listens on port 5672 is no broker that lets guest in; looking further"
    fi
    if [[ $private == no ]] && start_with_docker rabbitmq 5672; then
        await speaks_amqp 127.0.0.1 "$docker_port" || give_up "RabbitMQ from docker-compose.yml does not answer" AMQP_URL
        AMQP_URL=amqp://mimamori:mimamori-tests@127.0.0.1:$docker_port/%2f
        say "RabbitMQ: started from docker-compose.yml, port $docker_port"
        return
    fi
    AMQP_URL=$(start_private rabbitmq) || give_up "RabbitMQ: none found, and none can be started" AMQP_URL
    say "RabbitMQ: started a private one from Debian's package, $(shown "$AMQP_URL")"
}

choose_postgres() {
    local place user
    if [[ $private == no && -n ${DATABASE_URL-} ]]; then
        if [[ ! $DATABASE_URL =~ ^postgres(ql)?:// ]]; then
            say "DATABASE_URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, found '$(shown "$DATABASE_URL")'"
            exit 3
        fi
        read -r -a place < <(place_of "$DATABASE_URL" 5432)
        if [[ ${#place[@]} -eq 2 ]] && ! await postgres_is_up "${place[@]}"; then
            say "DATABASE_URL: no PostgreSQL answers at ${place[0]}:${place[1]}; start it, or unset DATABASE_URL to have one found or started"
            exit 3
        fi
        say "PostgreSQL: DATABASE_URL, $(shown "$DATABASE_URL")"
        return
    fi
    if [[ $private == no ]] && (exec 3<>/dev/tcp/127.0.0.1/5432) 2>/dev/null; then
        if await postgres_is_up 127.0.0.1 5432; then
            for user in postgres "$(id -un)"; do
                if [[ $(postgres_answer 127.0.0.1 5432 "$user") == in ]]; then
                    DATABASE_URL=postgres://$user@127.0.0.1:5432/postgres
                    say "PostgreSQL: found on port 5432, user $user"
                    return
                fi
            done
        fi
        say "PostgreSQL: what listens on port 5432 lets neither postgres nor $(id -un) in without a password; looking further"
    fi
    if [[ $private == no ]] && start_with_docker postgres 5432; then
        await postgres_is_up 127.0.0.1 "$docker_port" ||
            give_up "PostgreSQL from docker-compose.yml does not answer" DATABASE_URL
        DATABASE_URL=postgres://mimamori:mimamori-tests@127.0.0.1:$docker_port/mimamori
        say "PostgreSQL: started from docker-compose.yml, port $docker_port"
        return
    fi
    DATABASE_URL=$(start_private postgres) || give_up "PostgreSQL: none found, and none can be started" DATABASE_URL
    say "PostgreSQL: started a private one from Debian's package, $(shown "$DATABASE_URL")"
}

# --- the browser --------------------------------------------------------------------------------------------------------

# Whether these arguments of cargo test let tests/browser.rs run.
runs_browser() {
    local narrowed=no name
    while [[ $# -gt 0 && $1 != -- ]]; do
        name=
        case $1 in
            --tests | --all-targets) return 0 ;;
            --test) name=${2-} narrowed=yes ;;
            --test=*) name=${1#*=} narrowed=yes ;;
            --lib | --bin | --bin=* | --bins | --example | --example=* | --examples | --bench | --bench=* | --benches | --doc)
                narrowed=yes
                ;;
        esac
        # Cargo takes patterns, too.
        # shellcheck disable=SC2053
        [[ -n $name && browser == $name ]] && return 0
        shift
    done
    [[ $narrowed == no ]]
}

choose_chromedriver() {
    if [[ -z ${CHROMEDRIVER-} ]]; then
        "$servers" ensure chromium || give_up "Chromium and ChromeDriver are needed by the browser tests" CHROMEDRIVER
        CHROMEDRIVER=$(command -v chromedriver)
    fi
    say "ChromeDriver: $CHROMEDRIVER"
}

# The script alone, of one version: what the tests find must not change with the day.
choose_axe_core() {
    local home=${CARGO_TARGET_DIR:-target}/axe-core-$AXE_VERSION
    if [[ -z ${AXE_CORE-} ]]; then
        AXE_CORE=$home/axe.min.js
        if [[ ! -e $AXE_CORE ]]; then
            "$servers" ensure npm || give_up "npm is needed to download axe-core" AXE_CORE
            (cd "$scratch" && npm pack --silent "axe-core@$AXE_VERSION" >/dev/null) ||
                give_up "axe-core $AXE_VERSION cannot be had from the npm registry" AXE_CORE
            tar -xzf "$scratch/axe-core-$AXE_VERSION.tgz" -C "$scratch" package/axe.min.js || exit 3
            sha256sum --quiet --check - <<<"$AXE_SHA256  $scratch/package/axe.min.js" ||
                give_up "axe-core $AXE_VERSION from the npm registry is not what it was" AXE_CORE
            # Moved into its place whole: another run may look for it at the same time.
            mkdir -p "$home" && mv "$scratch/package/axe.min.js" "$AXE_CORE" || exit 3
        fi
        AXE_CORE=$(realpath "$AXE_CORE")
    fi
    say "axe-core: $AXE_CORE"
}

# --- main ---------------------------------------------------------------------------------------------------------------

case ${MIMAMORI_TEST_SERVERS-} in
    '') private=no ;;
    private) private=yes ;;
    *)
        say "MIMAMORI_TEST_SERVERS: expected 'private' or nothing, found '$MIMAMORI_TEST_SERVERS'"
        exit 2
        ;;
esac
command -v cargo >/dev/null || give_up "cargo not found: install Rust (https://rustup.rs)" PATH

# The tests that restart a server need the programs; installed once here, not by several tests at a time.
"$servers" ensure || give_up "RabbitMQ's and PostgreSQL's programs are needed by the tests that restart them" PATH
choose_rabbitmq
choose_postgres
if runs_browser "$@"; then
    choose_chromedriver
    choose_axe_core
    export CHROMEDRIVER AXE_CORE
fi
export AMQP_URL DATABASE_URL

cargo test --release --locked "$@"
