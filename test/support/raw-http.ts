import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawExchange {
  readonly socket: Socket
  /** everything that came back until the server closed the connection */
  readonly answer: Promise<string>
}

/** Opens a connection, sends text as it is, and collects the answer. */
export function sendRaw(port: number, text: string): RawExchange {
  const { promise, resolve } = Promise.withResolvers<string>()
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  socket.on('close', () => resolve(answer))
  onTestFinished(() => void socket.destroy())
  return { socket, answer: promise }
}

/** The status of an HTTP answer; 0 if there is none. */
export function statusIn(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
}
