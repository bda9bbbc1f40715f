/** Address of the guest, with every kind of link. */
export const GUEST_ADDRESS = '192.168.0.1';

/** Address of the server of its shares. */
export const SHARES_ADDRESS = '192.168.0.2';

/** MAC address of that server, the one that QEMU's user network uses. A guest that was saved with one link and
 *  resumed with another would send to the address it has cached. */
export const SHARES_MAC = '52:55:c0:a8:00:02';

export const SSH_PORT = 22;
export const SMB_PORT = 445;
