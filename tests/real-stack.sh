#!/usr/bin/env bash
# The life of a stack with the real upstream images, for whoever has or can fetch them: images, up, canaries, replay, what Tempo and
# Grafana say when they are asked, down. Prints what it saw. Not part of CI, where the images of Tempo and Grafana cannot be had.
#
# Usage: tests/real-stack.sh [OPTION OF `devstack up`]...
#   tests/real-stack.sh                                (the default stack: collector, Tempo, Prometheus, Grafana)
#   tests/real-stack.sh --stack jaeger
#   tests/real-stack.sh --set components.tempo.image=grafana/tempo:3.0.4
# Environment: DEVSTACK is the program (default: a release build of this checkout). The stack belongs to a project of its own in a
# temporary folder, on free ports, and is taken down however the script ends.
#
# Exit codes: 0 all was as it should be; 1 something was not, and a line with ✗ says what; 2 usage; 3 it could not run: a tool, the engine,
# an image, or `up` itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
scratch=
wrong=0

case ${1:-} in
  -h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$root/tests/real-stack.sh"
    exit 0
    ;;
esac

step() { printf '\n== %s\n' "$1"; }
saw() { printf '  ✓ %s\n' "$1"; }
skip() { printf '  – %s\n' "$1"; }
bad() {
  printf '  ✗ %s\n' "$1"
  wrong=1
}
stop() {
  printf 'error: %s\n' "$1" >&2
  exit 3
}

# Milliseconds since the epoch.
now() { echo $(($(date +%s%N) / 1000000)); }

devstack() { (cd "$scratch/project" && XDG_STATE_HOME=$scratch/state "$program" "$@"); }

# A value of the note of the stack that is up; empty where there is none.
noted() { jq -r ".note$1 // empty" "$scratch/up.json"; }

# Asks a page; the answer is in $scratch/answer. Fails when it is no success.
ask() { curl -fsS --max-time 10 -o "$scratch/answer" "$@" 2>"$scratch/curl"; }

# Asks until jq finds what is wanted in the answer; says after how many milliseconds. Gives up after 30 s.
ask_until() {
  local wanted=$1 began
  began=$(now)
  shift
  until ask "$@" && jq -e "$wanted" "$scratch/answer" >/dev/null 2>&1; do
    if [ $(($(now) - began)) -gt 30000 ]; then return 1; fi
    sleep 0.05
  done
  echo $(($(now) - began))
}

clean_up() {
  if [ -n "$scratch" ]; then
    devstack down --volumes >/dev/null 2>&1 || true
    rm -rf "$scratch"
  fi
}
trap clean_up EXIT

for tool in docker curl jq; do
  command -v "$tool" >/dev/null || stop "$tool is not installed"
done
if [ -n "${DEVSTACK:-}" ]; then
  program=$(realpath "$DEVSTACK")
else
  cargo build --release --locked --quiet || stop "devstack could not be built"
  program=$root/target/release/devstack
fi
[ -x "$program" ] || stop "\`$program\` is no program"
scratch=$(mktemp -d)
mkdir "$scratch/project"
: >"$scratch/project/devstack.yaml"

step "versions"
engine=$(docker version --format '{{.Server.Version}} (API {{.Server.APIVersion}})' 2>"$scratch/err") || stop "no engine answers: $(cat "$scratch/err")"
saw "$("$program" --version)"
saw "engine $engine"

step "up $*"
began=$(now)
status=0
devstack up --ports auto --timings --format json "$@" >"$scratch/up.json" 2>"$scratch/up.err" || status=$?
sed 's/^/  /' "$scratch/up.err"
case $status in
  0) saw "up in $(($(now) - began)) ms, images fetched where they were missing" ;;
  2) exit 2 ;;
  *) stop "\`devstack up\` ended with $status" ;;
esac
owner=$(noted .network)
docker ps --filter "name=$owner" --format '{{.Names}} {{.Image}}' | while read -r name image; do
  saw "${name#"$owner"-}: $image $(docker image inspect --format '{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}' "$image")"
done
[ "$(noted .runtime)" = docker ] || stop "the stack runs on the runtime $(noted .runtime); this script is for containers"
if grep -q 'canary trace' "$scratch/up.err"; then saw "the canary trace came back"; else bad "no canary trace"; fi
if [ -z "$(noted .prometheus.url)" ]; then
  skip "no metrics in this stack"
elif grep -q 'canary metric' "$scratch/up.err"; then
  saw "the canary metric came back"
else
  bad "no canary metric"
fi

step "replay fixtures"
status=0
devstack replay "$root/fixtures" --format json >"$scratch/report.json" 2>"$scratch/replay.err" || status=$?
if [ "$status" = 0 ]; then
  saw "$(jq -r '"\(.cases | length) held in \(.elapsed_ms | round) ms · stored \(.stored.found)/\(.stored.of)"' "$scratch/report.json")"
else
  bad "\`devstack replay\` ended with $status"
  jq -r '.cases[] | select(.verdict != "held") | "    \(.id): \(.verdict): \(.findings[0].headline)"' "$scratch/report.json" || cat "$scratch/replay.err"
fi
trace=$(jq -r '[.cases[] | select(.spans > 5)][0].trace_id // empty' "$scratch/report.json")

step "the store of traces"
store=$(noted .store.at.url)
kind=$(noted .store.kind)
tempo_is_real=
if [ "$kind" = tempo ]; then
  ask "$store/api/status/buildinfo" || bad "no build information: $(cat "$scratch/curl")"
  revision=$(jq -r '.revision // empty' "$scratch/answer" 2>/dev/null || true)
  saw "Tempo $(jq -r '.version // "of an unknown version"' "$scratch/answer" 2>/dev/null), revision ${revision:-unknown}"
  case $revision in
    devstack*) skip "a stand-in for Tempo, which has no search" ;;
    *) tempo_is_real=1 ;;
  esac
  if [ -n "$tempo_is_real" ]; then
    if took=$(ask_until '.traces | length > 0' --get "$store/api/search" --data-urlencode 'q={ resource.service.name = "medicalcor-api" }'); then
      saw "search finds traces of medicalcor-api after $took ms"
    else
      bad "search finds nothing of medicalcor-api within 30 s: $(head -c 300 "$scratch/answer" 2>/dev/null)"
    fi
    if took=$(ask_until '.traces | length > 0' --get "$store/api/search" --data-urlencode 'q={ kind = producer } >> { kind = consumer }'); then
      saw "a structural TraceQL query finds producers above consumers after $took ms"
    else
      bad "a structural TraceQL query finds nothing within 30 s: $(head -c 300 "$scratch/answer" 2>/dev/null)"
    fi
  fi
elif [ "$kind" = jaeger ]; then
  if ask "$store/api/v3/traces/$trace"; then
    saw "Jaeger has $(jq '[.result.resourceSpans[].scopeSpans[].spans[]] | length' "$scratch/answer") spans of $trace"
  else
    bad "Jaeger does not have $trace: $(cat "$scratch/curl")"
  fi
fi

step "Prometheus"
prometheus=$(noted .prometheus.url)
if [ -z "$prometheus" ]; then
  skip "not in this stack"
else
  for query in 'sum(http_requests_total)' 'sum(traces_spanmetrics_calls_total)' 'sum(traces_service_graph_request_total)'; do
    if took=$(ask_until '.data.result[0].value[1] | tonumber > 0' --get "$prometheus/api/v1/query" --data-urlencode "query=$query"); then
      saw "$query = $(jq -r '.data.result[0].value[1]' "$scratch/answer") after $took ms"
    else
      bad "$query says nothing within 30 s"
    fi
  done
fi

step "Grafana"
grafana=$(noted .grafana)
if [ -z "$grafana" ]; then
  skip "not in this stack"
elif ! ask "$grafana/api/health"; then
  bad "/api/health: $(cat "$scratch/curl")"
elif jq -e 'has("devstack")' "$scratch/answer" >/dev/null; then
  skip "a stand-in for Grafana: $(jq -c . "$scratch/answer")"
else
  saw "/api/health: $(jq -c . "$scratch/answer")"
  for uid in "$kind" prometheus; do
    if ask "$grafana/api/datasources/uid/$uid"; then
      saw "data source $uid: $(jq -r '"\(.name), \(.type), \(.url)"' "$scratch/answer")"
    else
      bad "data source $uid: $(cat "$scratch/curl")"
    fi
    if ask "$grafana/api/datasources/uid/$uid/health"; then
      saw "data source $uid answers: $(jq -r '.message // .status' "$scratch/answer")"
    else
      bad "data source $uid does not answer: $(cat "$scratch/curl")"
    fi
  done
  if [ "$kind" != tempo ]; then
    skip "no Tempo to read a trace of through Grafana"
  elif ask "$grafana/api/datasources/proxy/uid/tempo/api/v2/traces/$trace"; then
    saw "a trace of the run is read through Grafana"
  else
    bad "a trace of the run is not read through Grafana: $(cat "$scratch/curl")"
  fi
  if ask "$grafana/api/dashboards/uid/distributed-tracing"; then
    saw "dashboard $(jq -r '"\(.meta.url): \(.dashboard.title), \([.dashboard.panels[] | select(.type != "row")] | length) panels"' "$scratch/answer")"
  else
    bad "dashboard distributed-tracing: $(cat "$scratch/curl")"
  fi
fi

step "status, a second up, down"
if devstack status >"$scratch/status" 2>&1; then saw "whole"; else bad "status: $(cat "$scratch/status")"; fi
if devstack up --ports auto --format json "$@" 2>/dev/null | jq -e .unchanged >/dev/null; then
  saw "a second up changes nothing"
else
  bad "a second up changes something"
fi
began=$(now)
if devstack down --volumes >"$scratch/down" 2>&1; then saw "down in $(($(now) - began)) ms"; else bad "down: $(cat "$scratch/down")"; fi
left=$(
  docker ps --all --filter "name=$owner" --format 'container {{.Names}}'
  docker network ls --filter "name=$owner" --format 'network {{.Name}}'
  docker volume ls --filter "name=$owner" --format 'volume {{.Name}}'
)
if [ -z "$left" ]; then saw "nothing is left"; else bad "left behind: $left"; fi

if [ "$wrong" = 0 ]; then
  step "all as it should be"
else
  step "something is not as it should be: see the lines with ✗"
fi
exit "$wrong"
