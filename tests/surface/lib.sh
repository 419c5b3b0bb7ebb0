# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of this folder share: curl, one line of TAP for each thing that is looked at, and
# nothing else. $BASE is the server; $status, $head and $body are its last answer.
# shellcheck shell=bash
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
looked=0
wrong=0

# told CONDITION SENTENCE: one line of TAP
told() {
  looked=$((looked + 1))
  if [ "$1" = 0 ]; then
    printf 'ok %d - %s\n' "$looked" "$2"
    return 0
  fi
  wrong=$((wrong + 1))
  printf 'not ok %d - %s\n' "$looked" "$2"
  # audio is a body, too
  printf '%s\n' "${asked:-}" "status: ${status:-}" "body: ${body:0:2000}" |
    LC_ALL=C tr -cd '\n -~' | sed 's/^/# /'
  return 1
}

# ask METHOD PATH [CURL OPTION …]: sets $status, $head and $body. Through a proxy that checks the contract
# ($CONTRACT), with the key that the contract wants ($KEY).
ask() {
  local method=$1 path=$2
  shift 2
  asked="$method $path $*"
  [ -z "${KEY:-}" ] || set -- -H "Authorization: Bearer $KEY" "$@"
  : >"$scratch/body"
  status=$(curl -sS --max-time 60 -X "$method" -D "$scratch/head" -o "$scratch/body" -w '%{http_code}' "$@" "${CONTRACT:-$BASE}$path")
  head=$(tr -d '\r' <"$scratch/head")
  body=$(tr -d '\0' <"$scratch/body")
  [ -z "${CONTRACT:-}" ] || keep_violations
}

# What the proxy had to say: of answers always, of requests only when the server took them.
keep_violations() {
  local line
  # what a path takes is no operation of it
  [[ $asked != OPTIONS* ]] || return 0
  line=$(sed -n 's/^sl-violations: //pI' <<<"$head")
  case $line in
    *'"response"'*) ;;
    *'"request"'*) [ "$status" -lt 400 ] || return 0 ;;
    *) return 0 ;;
  esac
  printf '%s: %s %s\n' "$asked" "$status" "$line" >>"$VIOLATIONS"
}

# is STATUS SENTENCE
is() {
  [ "$status" = "$1" ]
  told $? "$2"
}

# one interpreter for all that is asked: to start one takes long where much is going on
coproc LOOK { exec python3 "$here/look.py"; }
exec {look_in}>&"${LOOK[1]}" {look_out}<&"${LOOK[0]}"

look() {
  local answer
  printf '%s\0%s\0' "$body" "$1" >&"$look_in"
  IFS= read -r answer <&"$look_out"
  printf '%s' "$answer"
}

# json PYTHON SENTENCE: whether the expression holds of the body, which is d
json() {
  [ "$(look "$1")" = true ]
  told $? "$2"
}

# value PYTHON: what the expression gives of the body, which is d
value() {
  local answer
  answer=$(look "=$1")
  printf '%s\n' "${answer#= }"
}

# says TEXT SENTENCE: whether the body has the text
says() {
  case $body in *"$1"*) told 0 "$2" ;; *) told 1 "$2" ;; esac
}

# has HEADER SENTENCE: whether the answer has a header that begins so
has() {
  grep -qi "^$1" <<<"$head"
  told $? "$2"
}

# socket PATH [HEADER …] <SCRIPT: talks to a WebSocket, see ./ws; sets $body to what it has heard
socket() {
  local path=$1 header options=()
  shift
  for header in "$@"; do options+=(--header "$header"); done
  asked="WebSocket $path"
  body=$("$here/ws" "${options[@]}" "ws${BASE#http}$path" 2>&1)
  status=$?
}

# ring PATH CALL-SID [CURL OPTION …]: a call comes in as Twilio tells of it; sets $token and $stream
ring() {
  local path=$1 sid=$2
  shift 2
  ask POST "$path" -d "CallSid=$sid" -d AccountSid=AC00000000000000000000000000000000 \
    --data-urlencode From=+15005550001 --data-urlencode To=+15005550006 -d CallStatus=ringing \
    -d Direction=inbound -d ApiVersion=2010-04-01 "$@"
  stream=$(sed -n 's/.*<Stream url="\([^"]*\)".*/\1/p' <<<"$body")
  token=$(sed -n 's/.*<Parameter name="token" value="\([^"]*\)".*/\1/p' <<<"$body")
}

# stream_of CALL-SID TOKEN: what Twilio sends at the beginning of a stream, for socket
stream_of() {
  cat <<END
send {"event":"connected","protocol":"Call","version":"1.0.0"}
send {"event":"start","sequenceNumber":"1","start":{"accountSid":"AC00000000000000000000000000000000","streamSid":"MZ00000000000000000000000000000001","callSid":"$1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"$2"}},"streamSid":"MZ00000000000000000000000000000001"}
END
}

# silence N: N frames of 20 ms, for socket
silence() {
  local i frame
  frame=$(head -c 160 /dev/zero | tr '\0' '\377' | base64 -w0)
  for ((i = 0; i < $1; i++)); do
    printf 'send {"event":"media","sequenceNumber":"%d","streamSid":"MZ00000000000000000000000000000001","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%s"}}\n' \
      $((i + 2)) $((i + 1)) $((i * 20)) "$frame"
  done
}

# until_true SECONDS COMMAND …: again and again until it is true
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

finish() {
  exec {look_in}>&-
  printf '1..%d\n' "$looked"
  [ "$wrong" = 0 ]
  exit
}
