/** Where the guest is, whatever it is plugged into. */
export const GUEST_ADDRESS = '192.168.0.1';

/** Where its shares are. */
export const SHARES_ADDRESS = '192.168.0.2';

/** The card there: the address that QEMU's user network answers with. A guest that was frozen under one network goes on under another, and
 *  would send to the card it knew. */
export const SHARES_MAC = '52:55:c0:a8:00:02';

export const SSH_PORT = 22;
export const SMB_PORT = 445;
