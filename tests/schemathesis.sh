#!/usr/bin/env bash
# Schemathesis over the API of the demo's console, as a lead and as an admin: bash tests/schemathesis.sh [more options of `schemathesis run`]
#
# Fails on any answer from 500 on, and on any status, header or body that the document does not have. Requests are seeded and bounded.
#
#   MIMAMORI     the program; else the one of the target folder, built if it is missing
#   SCHEMATHESIS the tool; else one release of it from the Python registry, in a virtual environment in the target folder
#   EXAMPLES     requests for each operation and phase, 60 unless said otherwise
#   SEED         7 unless said otherwise
#
# Needs curl and Python 3 with venv. Exit codes: 1 if something was found; 3 if what is needed cannot be had.

set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 3

readonly VERSION=4.32.5
target=$(realpath -m "${CARGO_TARGET_DIR:-target}") || exit 3
# Seconds until the demo has read its messages and serves.
readonly PATIENCE=${PATIENCE:-300}
# What a token of each role is given: a scope that the role lacks would be refused.
readonly -A SCOPES=(
    [lead]="read_alerts read_inquiries read_all_inquiries read_text review_alerts work_inquiries supervise"
    [admin]="read_alerts read_inquiries read_all_inquiries manage_webhooks"
)

say() { printf 'tests/schemathesis.sh: %s\n' "$*" >&2; }
give_up() { say "$1"; exit 3; }

scratch=$(mktemp -d) || exit 3
demo=
# The demo that this script has started, and nothing else.
finish() {
    [[ -n $demo ]] && kill "$demo" 2>/dev/null && wait "$demo" 2>/dev/null
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- the tool and the program -------------------------------------------------------------------------------------------

choose_schemathesis() {
    [[ -n ${SCHEMATHESIS-} ]] && return
    local home=$target/schemathesis-$VERSION
    SCHEMATHESIS=$home/bin/schemathesis
    [[ -x $SCHEMATHESIS ]] && return
    mkdir -p "$target" && rm -rf "$home" && python3 -m venv "$home" || give_up "Python 3 with venv is needed (Debian: python3-venv)"
    "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION" ||
        give_up "schemathesis $VERSION cannot be had from the Python registry; name another by SCHEMATHESIS"
}

choose_program() {
    [[ -n ${MIMAMORI-} ]] && return
    MIMAMORI=$target/release/mimamori
    [[ -x $MIMAMORI ]] || cargo build --release --locked --bin mimamori || exit 3
}

# --- the console ----------------------------------------------------------------------------------------------------------

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_demo() {
    local port
    port=$(free_port) || give_up "no port is free"
    site=http://127.0.0.1:$port
    MIMAMORI__CONSOLE__HTTP=127.0.0.1:$port "$MIMAMORI" demo --serve --data "$scratch/data" >"$scratch/told" 2>"$scratch/log" &
    demo=$!
    local end=$((SECONDS + PATIENCE))
    until password=$(sed -n 's/.* each with the password \([a-z0-9]*\)$/\1/p' "$scratch/told") && [[ -n $password ]] &&
        curl --silent --fail "$site/healthz" >/dev/null; do
        kill -0 "$demo" 2>/dev/null || { cat "$scratch/log" >&2; give_up "the demo has ended"; }
        ((SECONDS < end)) || give_up "the demo does not serve after $PATIENCE seconds"
        sleep 0.2
    done
}

# A form, sent as a page of the console would: browse LOGIN PATH [curl's options].
browse() {
    local jar=$scratch/$1 path=$2
    curl --silent --show-error --fail --cookie "$jar" --cookie-jar "$jar" --header "Origin: $site" --header "Sec-Fetch-Site: same-origin" \
        "${@:3}" "$site$path"
}

# Prints a token of the role whose log-in is the same.
token_of() {
    local login=$1 csrf scope form=()
    browse "$login" /log-in --data-urlencode "login=$login" --data-urlencode "password=$password" >/dev/null || return 1
    csrf=$(browse "$login" /account/tokens | sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' | head -n 1)
    for scope in ${SCOPES[$login]}; do form+=(--data-urlencode "scope=$scope"); done
    browse "$login" /account/tokens --data-urlencode "csrf=$csrf" --data-urlencode name=schemathesis --data-urlencode days=1 "${form[@]}" |
        sed -n 's/.*<code class="secret">\(mimamori_[0-9a-f]*\)<.*/\1/p'
}

# --- main -----------------------------------------------------------------------------------------------------------------

for needed in curl python3; do command -v "$needed" >/dev/null || give_up "$needed is needed"; done
choose_schemathesis
choose_program
start_demo
found=0
for role in lead admin; do
    token=$(token_of "$role") && [[ -n $token ]] || give_up "the console gives no token to $role"
    say "as $role, seed ${SEED:=7}, ${EXAMPLES:=60} examples"
    # What it writes for itself goes with the folder.
    (cd "$scratch" && "$SCHEMATHESIS" run "$site/api/openapi.json" --header "Authorization: Bearer $token" --seed "$SEED" --max-examples "$EXAMPLES" \
        --phases examples,coverage,fuzzing --request-timeout 30 \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
        "$@") || found=1
    kill -0 "$demo" 2>/dev/null || { cat "$scratch/log" >&2; say "the demo has ended"; found=1; }
done
exit "$found"
