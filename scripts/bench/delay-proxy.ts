/**
 * A TCP proxy that adds a round-trip time to a registry on this machine: `delay-proxy.ts PORT
 * ROUND-TRIP-MS`. Prints its port and ends with its standard input. It is a process of its own, so
 * that its cost does not count for the measured program.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { DelayLine } from './delay-line.ts'

const [port, roundTrip] = process.argv.slice(2).map(Number)
if (port === undefined || roundTrip === undefined) throw new Error('delay-proxy.ts PORT ROUND-TRIP-MS')

const now = (): number => performance.now()
const wake = (afterMs: number, what: () => void): void => void setTimeout(what, afterMs)

/**
 * A local connection is immediate. On a line it takes a round trip, and the first bytes half of one
 * more.
 */
function join(near: Socket, roundTripMs: number, far: Socket): void {
  carry(near, far, now() + 1.5 * roundTripMs, roundTripMs / 2)
  carry(far, near, 0, roundTripMs / 2)
}

function carry(from: Socket, to: Socket, notBefore: number, delay: number): void {
  from.setNoDelay(true)
  const line = new DelayLine({
    delay,
    notBefore,
    now,
    wake,
    out: {
      write: (bytes) => {
        const isTaken = to.destroyed || to.write(bytes)
        if (from.isPaused() && !line.isFull) from.resume()
        return isTaken
      },
      end: () => void to.end(),
    },
  })
  to.on('drain', () => line.drained())
  from.on('data', (bytes: Buffer) => {
    line.send(bytes)
    if (line.isFull) from.pause()
  })
  from.on('end', () => line.send(undefined))
  from.on('error', () => to.destroy())
  from.on('close', (hadError: boolean) => {
    if (hadError) to.destroy()
  })
}

const server = createServer({ allowHalfOpen: true }, (near) => {
  join(near, roundTrip, connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.stdin.on('end', () => process.exit()).resume()
