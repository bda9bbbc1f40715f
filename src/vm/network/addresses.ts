/** Where the guest is, whatever it is plugged into. */
export const GUEST_ADDRESS = '192.168.0.1';

/** Where its shares are. */
export const SHARES_ADDRESS = '192.168.0.2';

export const SSH_PORT = 22;
export const SMB_PORT = 445;
