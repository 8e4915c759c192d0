import type { Socket } from 'node:net'

/**
 * Sends an RST and not a FIN, like a machine that is gone. A connection that is already ending is
 * closed instead: the kernel refuses to reset it (EINVAL), and Node 24 would keep its handle open.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
