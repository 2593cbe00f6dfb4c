# shellcheck shell=sh disable=SC2329 # functions are handed to others by name
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Put a certificate beside its key, prove that both work, switch to them in one step, and switch back where the
# service does not come up with them.

# shellcheck source=common.sh
. "${0%/*}/common.sh"

handle() {
  settings "$@"
  shift 11
  serial=$1 certificate=$2 intermediates=$3 root_certificate=$4 validation_command=$5 reload_command=$6
  tls_endpoint=$7 server_name=$8 endpoint_timeout=$9
  shift 9
  signinghelper_path=$1 trust_anchor_arn=$2 profile_arn=$3 role_arn=$4
  version=$home/versions/$serial
  need_tools
  need_owner
  each_link need_no_folder
  [ -n "$dry_run" ] || open_home
  wanted_key=$(pem "$certificate" | openssl x509 -noout -pubkey 2>&1) ||
    fail certificate_invalid "openssl cannot read the certificate: $wanted_key"
  find_key
  live=$(readlink "$home/current")
  outcome="serial=$serial replaced=${live##*/}"
  if is_healthy; then
    report kept "$outcome"
  elif [ -n "$dry_run" ]; then
    report installed "$outcome"
  else
    build
    verify
    validate
    switch
    come_up
    finish
    report installed "$outcome"
  fi
}

need_no_folder() { [ ! -d "$2" ] || fail system_error "$2 is a folder; a file is to lie there"; }

# pem NUMBER...: sections of the payload as PEM certificates
pem() {
  for number; do
    echo '-----BEGIN CERTIFICATE-----'
    section "$number" | fold -w 64
    printf '\n%s\n' '-----END CERTIFICATE-----'
  done
}

# shellcheck disable=SC2086 # the numbers of the intermediates are parted by blanks
chain_pem() { pem $intermediates "$root_certificate"; }

all_pem() { pem "$certificate" && chain_pem; }

section() (
  number=$1 IFS=,
  # shellcheck disable=SC2086 # splitting is meant; globbing is off
  set -- $CERTWRIGHT_PAYLOAD
  shift "$number"
  printf %s "$1"
)

find_key() {
  reason=key_missing message='no key is staged on the node for this certificate; stage a new one'
  for source in "$version" "$home/staged" "$home/current"; do
    [ -s "$source/key.pem" ] || continue
    [ "$(public_key "$source/key.pem")" != "$wanted_key" ] || return 0
    reason=key_mismatch message='the key on the node does not fit the certificate; stage a new one'
  done
  fail "$reason" "$message"
}

# Whether all that an installation would bring about is there already.
is_healthy() {
  [ "$(readlink "$home/current")" = "versions/$serial" ] && [ ! -e "$home/pending" ] &&
    [ "$source" = "$version" ] &&
    [ "$(cat "$version/cert.pem" "$version/chain.pem")" = "$(all_pem)" ] &&
    [ -n "$(find "$version/key.pem" -user "$owner" -group "$group" -perm "$mode")" ] &&
    each_link is_linked &&
    { [ -z "$tls_endpoint" ] || [ "$(served "$tls_endpoint" "$server_name")" = "$(pem "$certificate")" ]; }
}

# The key comes last: where it is, the rest is.
# shellcheck disable=SC2086 # as in chain_pem
build() {
  try "make $version" mkdir -p -m 0755 "$version"
  if [ "$source" != "$version" ]; then
    place 0644 "$version/csr.pem" cat "$source/csr.pem"
    place 0600 "$version/request.sha256" cat "$source/request.sha256"
  fi
  place 0644 "$version/cert.pem" pem "$certificate"
  place 0644 "$version/chain.pem" chain_pem
  place 0644 "$version/intermediates.pem" pem $intermediates
  place 0644 "$version/fullchain.pem" pem "$certificate" $intermediates
  place 0644 "$version/root.pem" pem "$root_certificate"
  place "$mode" "$version/key.pem" cat "$source/key.pem"
}

verify() {
  said=$(openssl verify -CAfile "$version/root.pem" -untrusted "$version/chain.pem" "$version/cert.pem" 2>&1)
  case $said in
    *': OK') ;;
    *'not yet valid'*) fail not_yet_valid "the certificate or its chain $(validity); is the clock of this node wrong?" ;;
    *'has expired'*) fail expired "the certificate or its chain $(validity); if it should be valid, the clock of this node is wrong" ;;
    *) fail chain_invalid "the certificate does not verify against its chain: $said" ;;
  esac
}

validity() {
  openssl x509 -in "$version/cert.pem" -noout -startdate -enddate | tr '\n' ' '
  date -u '+is not valid at %Y-%m-%dT%H:%M:%SZ, the time on this node'
}

# The user's own proof, before anything is switched.
validate() {
  export CERTWRIGHT_HOST_ID="$host_id" CERTWRIGHT_KEY="$version/key.pem" CERTWRIGHT_CERT="$version/cert.pem"
  export CERTWRIGHT_CHAIN="$version/chain.pem"
  helper=$root$signinghelper_path/aws_signing_helper
  if [ -n "$signinghelper_path" ] && [ -x "$helper" ]; then
    set -- --certificate "$CERTWRIGHT_CERT" --private-key "$CERTWRIGHT_KEY" \
      --trust-anchor-arn "$trust_anchor_arn" --profile-arn "$profile_arn" --role-arn "$role_arn"
    [ ! -s "$version/intermediates.pem" ] || set -- "$@" --intermediates "$version/intermediates.pem"
    limited "$helper" credential-process "$@" || fail validation_failed "aws_signing_helper got no credentials: $said"
  fi
  [ -z "$validation_command" ] || limited sh -c "$validation_command" ||
    fail validation_failed "the validation command failed: $said"
}

# Turn "current" to the new version. "previous" is left at the last one that was proven to work, never at one whose
# switch was not finished.
switch() {
  settle "$version/key.pem" "$version/cert.pem" "$version/chain.pem" "$version/csr.pem"
  [ -L "$home/current" ] || adopt
  live=$(readlink "$home/current")
  case $live in
    '' | "versions/$(cat "$home/pending" 2>/dev/null)") ;;
    *) point "$home/previous" "$live" ;;
  esac
  place 0600 "$home/pending" printf %s "$serial"
  switching=yes
  point "$home/current" "versions/$serial"
  each_link make_link
  ! command -v restorecon >/dev/null || restorecon -R "$home" 2>/dev/null
}

# Files that lie where the links will be become a version of their own, so that they too can be switched back to.
adopt() {
  before=$home/versions/before
  try "remove $before" rm -rf "$before"
  each_link adopt_file
  [ ! -d "$before" ] || point "$home/current" versions/before
}

adopt_file() {
  [ -e "$2" ] || return 0
  try "make $before" mkdir -p -m 0755 "$before"
  try "keep $2" cp -p "$2" "$before/$1"
}

make_link() { is_linked "$@" || point "$2" "$home/current/$1"; }

# Reload the service and see that it serves the new certificate.
come_up() {
  [ -z "$reload_command" ] || limited sh -c "$reload_command" || fail reload_failed "the reload command failed: $said"
  [ -n "$tls_endpoint" ] || return 0
  wanted=$(pem "$certificate")
  end=$(($(date +%s) + endpoint_timeout))
  until found=$(served "$tls_endpoint" "$server_name") && [ "$found" = "$wanted" ]; do
    if [ "$(date +%s)" -ge "$end" ]; then
      [ -z "$found" ] || found=another
      fail endpoint_mismatch "after $endpoint_timeout s $tls_endpoint serves ${found:-no} certificate"
    fi
    sleep 0.3
  done
}

roll_back() {
  if [ -L "$home/previous" ]; then
    try "turn $home/current back" mv -Tf "$home/previous" "$home/current"
  else
    try "remove $home/current" rm -f "$home/current"
  fi
  each_link drop_dangling
  try "remove $home/pending" rm -f "$home/pending"
  [ -z "$reload_command" ] || limited sh -c "$reload_command" ||
    message="$message; after rolling back, the reload command failed: $said"
}

drop_dangling() {
  if is_linked "$@" && [ ! -e "$2" ]; then
    try "remove $2" rm -f "$2"
  fi
}

# From here on the new version is the proven one.
finish() {
  switching=''
  ! cmp -s "$home/staged/key.pem" "$version/key.pem" || try "remove $home/staged" rm -rf "$home/staged"
  previous=$(readlink "$home/previous")
  set +f
  for directory in "$home"/versions/*; do
    case versions/${directory##*/} in
      "versions/$serial" | "$previous") ;;
      *) try "remove $directory" rm -rf "$directory" ;;
    esac
  done
  set -f
  try "remove $home/pending" rm -f "$home/pending"
}

main
