/** An address and a port to listen on. */
export interface ListenAddress {
  /** without brackets */
  readonly host: string
  /** 0: a free port */
  readonly port: number
}

/** `127.0.0.1:8730`, `[::1]:8730` */
export const listenPattern = /^(?:[0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/

/** Parses `127.0.0.1:8730` and `[::1]:8730`; undefined for other text and ports above 65535. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (!listenPattern.test(text) || port > 65_535) return undefined
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port }
}
