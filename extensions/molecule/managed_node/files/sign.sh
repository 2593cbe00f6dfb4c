#!/bin/sh
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes signed packages in /tmp/packages, one good and the others not. Prints all public keys to stdout, and the names and
# fingerprints of some to stderr.
set -eu
export GNUPGHOME=/tmp/signer
rm -rf /tmp/signer /tmp/packages /tmp/verified
mkdir -m 700 /tmp/signer /tmp/packages /tmp/verified
long_ago='--faked-system-time 20250101T000000'

gpg_quietly() {
  gpg --batch --quiet "$@" 2>/tmp/signer/said || { cat /tmp/signer/said >&2; exit 1; }
}

# user id, how long it is valid, more options of gpg -> the key's fingerprint
new_key() {
  user=$1 valid=$2
  shift 2
  gpg_quietly "$@" --passphrase '' --quick-generate-key "$user" ed25519 sign "$valid"
  gpg_quietly --with-colons --list-keys "=$user" | awk -F: '$1 == "fpr" { print $10; exit }'
}

# name, fingerprint of the key, more options of gpg
new_package() {
  package=/tmp/packages/$1 key=$2
  shift 2
  echo 'the agent' >"$package"
  gpg_quietly "$@" --local-user "$key" --output "$package.sig" --detach-sign "$package"
}

signer=$(new_key 'The signer' never)
new_package good "$signer"
new_package changed "$signer"
echo 'another agent' >/tmp/packages/changed

# What gpg says of its signature ends as what it says of the signer's does.
new_package impostor "$(new_key "VALIDSIG $signer" never)"

# shellcheck disable=SC2086 # an option and its value
expired=$(new_key 'The former signer' 30d $long_ago)
# shellcheck disable=SC2086
new_package expired "$expired" $long_ago

revoked=$(new_key 'The robbed signer' never)
new_package revoked "$revoked"
sed 's/^:---/---/' "/tmp/signer/openpgp-revocs.d/$revoked.rev" >/tmp/signer/revocation
gpg_quietly --import /tmp/signer/revocation

gpg_quietly --armor --export
printf '%s=%s\n' signer "$signer" expired "$expired" revoked "$revoked" >&2
gpgconf --kill all
