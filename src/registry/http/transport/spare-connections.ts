import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { Connector } from 'undici/lib/core/connect.js'

/**
 * How long a spare connection is kept: less than registries and their proxies wait for a first
 * request.
 */
const waitMs = 20_000

/**
 * Opens connections to one origin, and spare ones together with the first, since each costs round
 * trips for which a wave of requests would wait. A spare connection that failed or was closed is
 * skipped.
 */
export class SpareConnections {
  readonly #open: Connector
  #wanted: number
  #waiting: Spare[] = []

  /** @param spares how many besides the first */
  constructor(open: Connector, spares: number) {
    this.#open = open
    this.#wanted = spares
  }

  /** The connector for undici. */
  readonly connect: buildConnector.connector = (options, callback) => {
    if (this.#wanted === 0) {
      void this.#next(options, callback)
      return
    }
    this.#open(options, callback)
    for (; this.#wanted > 0; this.#wanted--) this.#waiting.push(new Spare(this.#open, options))
  }

  /** Closes the spare connections that were not used. */
  close(): void {
    this.#wanted = 0
    for (const spare of this.#waiting.splice(0)) spare.close()
  }

  async #next(options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    for (let spare = this.#waiting.shift(); spare !== undefined; spare = this.#waiting.shift()) {
      const socket = await spare.take()
      if (socket !== undefined) return callback(null, socket)
    }
    this.#open(options, callback)
  }
}

class Spare {
  readonly #socket: Socket
  readonly #isOpen = Promise.withResolvers<boolean>()
  readonly #expire = (): void => this.close()

  constructor(open: Connector, options: buildConnector.Options) {
    this.#socket = open(options, (...[error]) => this.#isOpen.resolve(error === null))
    this.#socket.setTimeout(waitMs, this.#expire)
  }

  /** Undefined if it could not be opened or is closed again. */
  async take(): Promise<Socket | undefined> {
    const socket = this.#socket
    if (!(await this.#isOpen.promise)) return undefined
    socket.setTimeout(0).removeListener('timeout', this.#expire)
    return !socket.destroyed && socket.readable && socket.writable ? socket : undefined
  }

  close(): void {
    this.#socket.destroy()
    this.#isOpen.resolve(false)
  }
}
