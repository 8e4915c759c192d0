import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'

/** Leads every host name, over TLS, to a registry on this machine. */
export interface Hosts extends AsyncDisposable {
  /** the environment that makes a program reach the hosts and trust their certificate */
  readonly env: Readonly<Record<string, string>>
}

interface Authority {
  readonly certificate: string
  readonly key: string
  readonly file: string
  remove(): void
}

/**
 * Starts a proxy for these host names.
 * @param portOf starts the registry of a host if necessary, and returns its port
 */
export async function openHosts(
  names: readonly string[],
  portOf: (host: string) => Promise<number>,
): Promise<Hosts> {
  const authority = makeCertificate(names)
  const sockets = new Set<Socket>()
  const secure = createTlsServer({ cert: authority.certificate, key: authority.key }, (socket: TLSSocket) => {
    void portOf(socket.servername || '').then((port) => pipe(socket, port, sockets))
  })
  const securePort = await listen(secure)
  const proxy = createServer((_, response) => void response.writeHead(501).end())
  proxy.on('connect', (_, socket: Socket) => {
    const upstream = pipe(socket, securePort, sockets)
    upstream.once('connect', () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'))
  })
  const proxyPort = await listen(proxy)
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`, NODE_EXTRA_CA_CERTS: authority.file },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all([close(proxy), close(secure)])
      authority.remove()
    },
  }
}

function pipe(socket: Socket, port: number, sockets: Set<Socket>): Socket {
  const upstream = connect(port, '127.0.0.1')
  for (const [one, other] of [
    [socket, upstream],
    [upstream, socket],
  ] as const) {
    sockets.add(one)
    one.on('error', () => other.destroy()).on('close', () => sockets.delete(one))
    one.pipe(other)
  }
  return upstream
}

async function listen(server: NetServer | Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function close(server: NetServer | Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
}

/** Whether `openssl` can make the certificate. */
export function canMakeCertificates(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function makeCertificate(names: readonly string[]): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'docs-certificate-'))
  const file = (name: string): string => join(folder, name)
  const run = (...args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  run(
    'req',
    '-x509',
    ...key,
    '-days',
    '2',
    '-subj',
    '/CN=docs',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  )
  run('req', ...key, '-subj', '/CN=registry', '-keyout', file('host.key'), '-out', file('host.csr'))
  writeFileSync(file('names'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\n`)
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2']
  run('x509', '-req', '-in', file('host.csr'), ...signed, '-extfile', file('names'), '-out', file('host.pem'))
  return {
    certificate: readFileSync(file('host.pem'), 'utf8'),
    key: readFileSync(file('host.key'), 'utf8'),
    file: file('ca.pem'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
