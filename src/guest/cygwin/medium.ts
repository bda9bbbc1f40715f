/** Names of the files for Cygwin on the answer medium, all in one directory. Their lines end with LF. */
export const CYGWIN_FILES = {
  /** Configures sshd, the user and the shares after setup of Cygwin has ended. */
  configure: 'configure.sh',
  /** Private ssh host key; the public one has the name with `.pub`. */
  hostKey: 'ssh_host_ed25519_key',
  authorizedKeys: 'authorized_keys',
  /** Password of the user, for Windows and for the shares: one line. */
  password: 'password',
  /** Lines for /etc/fstab: the shares. */
  fstab: 'fstab',
} as const;

/** Packages with the programs that the scripts and ssh need. */
export const GUEST_PACKAGES: readonly string[] =
  'bash coreutils cygrunsrv cygwin findutils gawk grep gzip openssh sed util-linux'.split(' ');

/** File with the password of the user in a guest, in the home of the user, readable for the user only. */
export const GUEST_PASSWORD_FILE = '.cygstrap-password';
