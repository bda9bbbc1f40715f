import { CYGWIN_FILES, GUEST_PASSWORD_FILE } from './medium.ts';

/** Name of the service. A service `sshd` can be that of Windows. */
const SERVICE = 'cygsshd';

/** Only options that OpenSSH 7.2 knows, the last one for Windows XP. Without a name server each name costs seconds. */
const SSHD_CONFIG = `Port 22
ListenAddress 0.0.0.0
HostKey /etc/${CYGWIN_FILES.hostKey}
AuthorizedKeysFile .ssh/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes yes
UseDNS no
MaxStartups 100
Subsystem sftp /usr/sbin/sftp-server
`;

/** Returns the script that configures Cygwin in a new guest: ssh host key, sshd as a service, the login of the user by
 *  key, its password for the shares, and the mounts of the shares. Pure. For bash 3.2 and later.
 *
 *  Arguments: the directory of {@link CYGWIN_FILES} on the medium, and a file to which it adds lines for the serial
 *  console. It runs as an administrator, and can run again after an interruption. At the end it logs in by ssh. It
 *  adds `@cygstrap hostkey KEY` and exits with 0, or adds `@cygstrap failed STEP: REASON` and exits with 1. It adds
 *  `@cygstrap warning TEXT` if a login by key has no password for the shares; each connection then needs `net use`.
 *  @param user name of the user: letters and digits
 *  Source: ssh-host-config in contrib/cygwin of OpenSSH; winsup/utils/passwd.c of Cygwin for `passwd -R`. */
export function configureScript(user: string): string {
  return `#!/bin/bash
medium=$1
console=$2
export LC_ALL=C
umask 022

# Adds a line for the serial console, without the characters that cmd interprets.
report() {
  local text
  text=$(printf '%s' "$*" | tr '\\t\\r\\n' '   ' | tr -cd '\\40-\\176' | tr -d '%!^&|()<>' | cut -c 1-280)
  printf '@cygstrap %s\\n' "$text" | sed 's/ *$//' >>"$console"
}
begin() {
  step=$1
  echo "configure: $step"
}
fail() {
  report "failed $step: $*"
  exit 1
}
# Runs a program. If it fails, the last line of its output is the reason.
must() {
  local output
  if ! output=$("$@" 2>&1 </dev/null); then
    fail "$1: $(printf '%s\\n' "$output" | grep '[^[:space:]]' | tail -n 1)"
  fi
}

begin medium
for name in ${Object.values(CYGWIN_FILES).join(' ')} ${CYGWIN_FILES.hostKey}.pub; do
  [ -r "$medium/$name" ] || fail "missing file $name"
done
IFS= read -r password <"$medium/${CYGWIN_FILES.password}"

begin user
home=~${user}
# Cygwin before 1.7.34 knows only the users in this file.
if [ "$home" = '~${user}' ]; then
  mkpasswd -l -u ${user} >>/etc/passwd
  home=~${user}
fi
[ "$home" != '~${user}' ] || fail 'Cygwin does not know the user ${user}'
must mkdir -p "$home/.ssh"
must install -m 600 "$medium/${CYGWIN_FILES.authorizedKeys}" "$home/.ssh/authorized_keys"
must install -m 600 "$medium/${CYGWIN_FILES.password}" "$home/${GUEST_PASSWORD_FILE}"
must chown ${user} "$home" "$home/.ssh" "$home/.ssh/authorized_keys" "$home/${GUEST_PASSWORD_FILE}"
must chmod go-w "$home"
must chmod 700 "$home/.ssh"

# The mount points are made before their lines: later they are the shares, which cannot be reached here.
begin shares
while read -r share point rest; do
  if ! grep -Fqx -- "$share $point $rest" /etc/fstab; then
    must mkdir -p "$point"
    printf '%s\\n' "$share $point $rest" >>/etc/fstab || fail 'cannot write /etc/fstab'
  fi
done <"$medium/${CYGWIN_FILES.fstab}"

# Windows keeps the password for logins by key. passwd reads it from stdin only without a terminal; its exit code is 0
# also after different passwords. The login below shows whether it worked.
begin password
of=${user}
[ "$(id -un)" != "$of" ] || of=
printf '%s\\n%s\\n' "$password" "$password" | setsid passwd -R $of

# 18 is SYSTEM, 544 the group of administrators.
begin sshd
if cygrunsrv -Q ${SERVICE} >/dev/null 2>&1; then
  cygrunsrv -E ${SERVICE}
  must cygrunsrv -R ${SERVICE}
fi
must install -m 600 "$medium/${CYGWIN_FILES.hostKey}" /etc/${CYGWIN_FILES.hostKey}
must install -m 644 "$medium/${CYGWIN_FILES.hostKey}.pub" /etc/${CYGWIN_FILES.hostKey}.pub
must rm -f /etc/sshd_config
cat >/etc/sshd_config <<'END' || fail 'cannot write /etc/sshd_config'
${SSHD_CONFIG}END
# Before 7.5 sshd needs a user of its own, or this option; later it does not know the option.
case $(ssh -V 2>&1) in
  OpenSSH_[1-6].* | OpenSSH_7.[0-4]*) echo 'UsePrivilegeSeparation no' >>/etc/sshd_config ;;
esac
must mkdir -p /var/empty /var/log
must touch /var/log/lastlog
must chown 18:544 /etc/${CYGWIN_FILES.hostKey} /etc/${CYGWIN_FILES.hostKey}.pub /var/empty /var/log/lastlog
must chmod 755 /var/empty
must /usr/sbin/sshd -t
must cygrunsrv -I ${SERVICE} -d 'CYGWIN ${SERVICE}' -p /usr/sbin/sshd -a -D -y tcpip
must cygrunsrv -S ${SERVICE}

# A key of its own: the private key of the user is on the host only.
begin login
work=$(mktemp -d) || fail 'mktemp'
finish() {
  rm -rf "$work"
  install -m 600 "$medium/${CYGWIN_FILES.authorizedKeys}" "$home/.ssh/authorized_keys"
}
trap finish EXIT
must ssh-keygen -q -t ed25519 -N '' -f "$work/key"
cat "$work/key.pub" >>"$home/.ssh/authorized_keys"
printf '127.0.0.1 %s\\n' "$(cat /etc/${CYGWIN_FILES.hostKey}.pub)" >"$work/known_hosts"
tries=0
until groups=$(
  ssh -F /dev/null -i "$work/key" -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=10 -o LogLevel=ERROR \\
    -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o "UserKnownHostsFile=$work/known_hosts" \\
    ${user}@127.0.0.1 'id -G' 2>"$work/log" </dev/null
); do
  tries=$((tries + 1))
  [ $tries -lt 60 ] || fail "ssh: $(tail -n 1 "$work/log")"
  sleep 2
done
# 4 is INTERACTIVE: Windows has used the password. Without it, the login is of the type NETWORK.
case " $groups " in
  *' 4 '*) ;;
  *) report 'warning Windows did not store the password of the user: each connection uses net use for the shares' ;;
esac
report "hostkey $(cut -d ' ' -f 1,2 /etc/${CYGWIN_FILES.hostKey}.pub)"
echo 'configure: done'
`;
}
