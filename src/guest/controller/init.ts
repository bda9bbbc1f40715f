import { GUEST_ADDRESS, SHARES_ADDRESS, SSH_PORT } from '../../vm/network/addresses.ts';
import { INIT_HEAD, LOAD_MODULES, NINE_P } from '../linux/image-parts.ts';
import { SMBD_DIRECTORIES, SMBD_FILES, usernameMap } from '../shares.ts';

/** Paths in a controller. */
export const CONTROLLER_PLACES = {
  smb: '/run/smb',
  smbConf: '/etc/smb.conf',
  jobs: '/job',
  store: '/store',
  xchg: '/xchg',
  key: '/run/ssh.key',
  passdb: `/run/smb/${SMBD_FILES.passdb}`,
} as const;

/** 9p tags of the shared directories and of the job directory, which is not a share. */
export const CONTROLLER_TAGS = { store: 'store', xchg: 'xchg', jobs: 'job' } as const;

/** File names of one job, below a directory with its number: 1, 2, ... */
export const JOB_FILES = {
  /** Deleted from the job as soon as it is read. */
  key: 'ssh.key',
  knownHosts: 'known_hosts',
  /** Shell script that runs the command over ssh. Its appearance starts the job, so it is written last and
   *  atomically. */
  script: 'run',
  stdout: 'stdout',
  stderr: 'stderr',
  /** Exit code of ssh; written last and atomically. */
  exit: 'exit',
} as const;

/** File in the job directory with the password of the shares. Deleted as soon as it is read, after a saved controller
 *  is resumed: no saved one contains a password. */
export const PASSDB_JOB_FILE = 'smbpasswd';

/** A value that QEMU passes to the guest: the settings of smbd for the kind of guest. */
export const POLICY_VALUE = 'opt/cygstrap/smb';

/** A value that QEMU passes to the guest, read again each time: the time in seconds since 1970 with ten digits when
 *  the machine can mount the host's directories, zeros before that. A memory image is saved before that, because 9p
 *  directories in use prevent it. */
export const GO_VALUE = 'opt/cygstrap/controller';
const GO_FILE = fileOf(GO_VALUE);

function fileOf(value: string): string {
  return `/sys/firmware/qemu_fw_cfg/by_name/${value}/raw`;
}

/** Shell script that waits until the value in a file is not zero, and stores it in `$now`. */
export function waitForStart(file: string): string {
  return `while :; do
  # It has no line end, which is a failure to read.
  read -r now <${file}
  [ "$now" -eq 0 ] || break
  usleep 5000
done
# A shell reads byte by byte, and saved in the middle of that it has zeros of then and the rest of now.
read -r now <${file}`;
}

/** /init of a controller: network and smbd, then the host's directories, then jobs one after the other. Everything
 *  before the directories can be part of a saved memory image. */
export function controllerInit({ smbd }: { readonly smbd: string }): string {
  const { smb, smbConf, jobs, key, passdb, store, xchg } = CONTROLLER_PLACES;
  const inJobs = `${jobs}/${PASSDB_JOB_FILE}`;
  return `${INIT_HEAD}
say() { echo "@cygstrap $*" >/dev/console; }
fail() {
  say "failed $*"
  poweroff -f
}
${LOAD_MODULES}
mkdir -p ${SMBD_DIRECTORIES.map((name) => `${smb}/${name}`).join(' ')} ${store} ${xchg} ${jobs}
hostname controller
ip link set lo up
ip addr add ${SHARES_ADDRESS}/24 dev eth0
ip link set eth0 up
cat ${fileOf(POLICY_VALUE)} >${smb}/${SMBD_FILES.policy}
echo '${usernameMap('root').trim()}' >${smb}/${SMBD_FILES.users}
${smbd} -D -s ${smbConf} -l ${smb} || fail 'cannot start smbd'
say waiting
${waitForStart(GO_FILE)}
date -u -s "@$((now))" >/dev/null
attach() {
  mount -t 9p -o "${NINE_P.options},$3" $1 $2 2>/tmp/log || fail "$1: $(cat /tmp/log)"
}
attach ${CONTROLLER_TAGS.store} ${store} ro,cache=loose
attach ${CONTROLLER_TAGS.xchg} ${xchg} cache=none
attach ${CONTROLLER_TAGS.jobs} ${jobs} cache=none
(umask 077; cat ${inJobs} >${passdb}) || fail 'no password for the shares'
rm -f ${inJobs}
say ready

number=1
while :; do
  job=${jobs}/$number
  until [ -e $job/${JOB_FILES.script} ]; do usleep 20000; done
  rm -f ${key}
  (umask 077; cat $job/${JOB_FILES.key} >${key})
  rm -f $job/${JOB_FILES.key}
  until
    banner=$(timeout 1 nc ${GUEST_ADDRESS} ${SSH_PORT} </dev/null 2>/dev/null | dd bs=4 count=1 2>/dev/null)
    [ "$banner" = SSH- ]
  do
    usleep 20000
  done
  say running
  sh $job/${JOB_FILES.script} </dev/null >$job/${JOB_FILES.stdout} 2>$job/${JOB_FILES.stderr}
  code=$?
  echo $code >$job/${JOB_FILES.exit}.part
  mv $job/${JOB_FILES.exit}.part $job/${JOB_FILES.exit}
  say "exit $code"
  number=$((number + 1))
done
`;
}
