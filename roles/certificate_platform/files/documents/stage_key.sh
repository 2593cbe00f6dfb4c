# shellcheck shell=sh disable=SC2329 # functions are handed to others by name
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Make a private key and a CSR beside the live ones, or find those that an earlier run made, and report the CSR.

# shellcheck source=common.sh
. "${0%/*}/common.sh"

handle() {
  settings "$@"
  shift 11
  key_algorithm=$1 request_hash=$2 request=$3 pending_public_key=$4
  need_tools
  need_owner
  [ -n "$dry_run" ] || open_home
  # A certificate that was issued but not recorded may be installed already: it must be found again, not asked anew.
  if holds_pending "$home/current"; then
    report reused "csr:$(armoured "$home/current/csr.pem")"
  elif fits_request "$home/staged" && ! cmp -s "$home/staged/key.pem" "$home/current/key.pem"; then
    report reused "csr:$(armoured "$home/staged/csr.pem")"
  elif [ -n "$dry_run" ]; then
    report staged
  else
    stage
    report staged "csr:$(armoured "$home/staged/csr.pem")"
  fi
}

# Whether a folder holds a key and a CSR that fit each other and what is asked for.
fits_request() {
  [ "$(cat "$1/request.sha256" 2>/dev/null)" = "$request_hash" ] &&
    key=$(public_key "$1/key.pem") &&
    [ "$key" = "$(openssl req -in "$1/csr.pem" -noout -pubkey 2>/dev/null)" ]
}

holds_pending() {
  [ -n "$pending_public_key" ] && fits_request "$1" &&
    [ "$(printf '%s\n' "$key" | sed '/^-----/d' | base64 -d | sha256)" = "$pending_public_key" ]
}

stage() {
  new=$home/staged.new
  try "remove $new" rm -rf "$new"
  try "make $new" mkdir "$new"
  place 0600 "$new/request.cnf" request_config
  case $key_algorithm in
    RSA_*) try 'make the key' openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${key_algorithm#RSA_}" -out "$new/key.pem" ;;
    *) try 'make the key' openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${key_algorithm#EC_}" -pkeyopt ec_param_enc:named_curve -out "$new/key.pem" ;;
  esac
  try 'make the CSR' openssl req -new -config "$new/request.cnf" -key "$new/key.pem" -out "$new/csr.pem"
  place 0600 "$new/request.sha256" printf %s "$request_hash"
  fits_request "$new" || fail system_error 'openssl made a CSR that does not fit its key'
  settle "$new/key.pem" "$new/csr.pem" "$new/request.sha256"
  try "remove $home/staged" rm -rf "$home/staged"
  try "put $home/staged in place" mv -T "$new" "$home/staged"
}

# The request for openssl, whose lines come parted by the unit separator.
request_config() { printf '%s\n' "$request" | tr '\037' '\n'; }

main
