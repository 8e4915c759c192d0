import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { Connector } from 'undici/lib/core/connect.js'
import { bareHost } from './origins.ts'

/**
 * How long a spare connection is kept: less than registries and their proxies wait for a first
 * request.
 */
const waitMs = 20_000

/**
 * Opens connections to one origin, and spare ones together with the first, since each costs round
 * trips for which a wave of requests would wait. They can be opened before the first request: dray
 * loads the HTTP client and finds the credentials in the meantime. A spare connection that failed
 * or was closed is skipped. If the first one failed, the first request gets its error.
 */
export class SpareConnections {
  readonly #open: Connector
  #wanted: number
  #first: Spare | undefined
  #waiting: Spare[] = []

  /** @param spares how many besides the first */
  constructor(open: Connector, spares: number) {
    this.#open = open
    this.#wanted = spares
  }

  /** The connector for undici. */
  readonly connect: buildConnector.connector = (options, callback) => {
    const first = this.#first
    this.#first = undefined
    if (first !== undefined) {
      void this.#useFirst(first, options, callback)
    } else if (this.#wanted === 0) {
      void this.#next(options, callback)
    } else {
      this.#open(options, callback)
      this.#openSpares(options)
    }
  }

  /** Opens the first connection and the spare ones, unless a request has done so. */
  openAhead({ host, hostname, protocol, port }: URL): void {
    if (this.#wanted === 0) return
    const options = { host, hostname: bareHost(hostname), protocol, port }
    this.#first = new Spare(this.#open, options)
    this.#openSpares(options)
  }

  /** Closes the connections that were not used. */
  close(): void {
    this.#wanted = 0
    this.#first?.close()
    for (const spare of this.#waiting.splice(0)) spare.close()
  }

  #openSpares(options: buildConnector.Options): void {
    for (; this.#wanted > 0; this.#wanted--) this.#waiting.push(new Spare(this.#open, options))
  }

  async #useFirst(
    first: Spare,
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> {
    const socket = await first.take()
    if (socket !== undefined) callback(null, socket)
    else if (first.error !== undefined) callback(first.error, null)
    else await this.#next(options, callback)
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
  /** why it could not be opened */
  error: Error | undefined
  readonly #socket: Socket
  readonly #isOpen = Promise.withResolvers<boolean>()
  readonly #expire = (): void => this.close()

  constructor(open: Connector, options: buildConnector.Options) {
    this.#socket = open(options, (...[error]) => {
      this.error = error ?? undefined
      this.#isOpen.resolve(error === null)
    })
    this.#socket.setTimeout(waitMs, this.#expire)
  }

  /** Undefined if it could not be opened or is closed again. */
  async take(): Promise<Socket | undefined> {
    const socket = this.#socket
    if (!(await this.#isOpen.promise)) return undefined
    socket.setTimeout(0).removeListener('timeout', this.#expire)
    // A proxy answers 408 to a connection that sends nothing. No request may take that answer.
    const isUnused = socket.readableLength === 0
    if (isUnused && !socket.destroyed && socket.readable && socket.writable) return socket
    socket.destroy()
    return undefined
  }

  close(): void {
    this.#socket.destroy()
    this.#isOpen.resolve(false)
  }
}
