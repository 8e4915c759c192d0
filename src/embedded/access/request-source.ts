import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { refusal } from '../errors.ts'

/** The names that a `Host` header may have: any name, or loopback names and these. */
export type AllowedHosts = 'any' | readonly string[]

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * `uri-host [ ":" port ]` (RFC 9110, section 7.2) without percent-encoding, which no registry uses.
 */
const hostHeader = /^(?:\[(?<address>[0-9a-f:.]{2,45})\]|(?<name>[a-z0-9._-]{1,255}))(?::[0-9]{0,5})?$/

/** Whether an IP address is a loopback address, also in its IPv6-mapped form. */
export function isLoopbackAddress(address: string): boolean {
  if (isIPv4(address)) return loopback.check(address, 'ipv4')
  return isIPv6(address) && loopback.check(address, 'ipv6')
}

/** The host of `NAME[:PORT]`, in lower case, without a final dot; undefined if it is malformed. */
export function hostNameOf(text: string): string | undefined {
  const { address, name } = hostHeader.exec(text.toLowerCase())?.groups ?? {}
  if (address !== undefined) return isIPv6(address) ? address : undefined
  return name?.replace(/\.$/, '')
}

/**
 * Refuses a request that a web page made a browser send. A page of any site can send simple
 * requests to this machine, and its name can resolve to a loopback address after it has loaded (DNS
 * rebinding). So a registry on loopback answers only to loopback names and `allowed`, and no
 * registry accepts a change from a page. `X-Forwarded-Host` and `Forwarded` are ignored: any client
 * can set them. @throws refusals: 400 for several `Host` headers, 421 for another host, 403 for a
 * web page.
 */
export function checkRequestSource(request: IncomingMessage, allowed: AllowedHosts): void {
  const hosts = request.headersDistinct['host'] ?? []
  if (hosts.length > 1) throw refusal('DENIED', 'the request has several Host headers', 400)
  if (allowed !== 'any') checkHost(hosts[0] ?? '', allowed)
  if (safeMethods.has(request.method ?? '') || !isFromWebPage(request)) return
  throw refusal('DENIED', 'this registry accepts no changes from web pages')
}

function checkHost(header: string, allowed: readonly string[]): void {
  const host = hostNameOf(header)
  if (host !== undefined && (isLoopbackHost(host) || allowed.includes(host))) return
  const shown = JSON.stringify(header.slice(0, 100))
  throw refusal(
    'DENIED',
    `this registry does not answer to the host ${shown}; start dray serve with --allow-host to allow it`,
    421,
  )
}

/** RFC 6761 reserves `localhost` and all names below it for loopback addresses. */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackAddress(host)
}

/** Browsers add `Origin` to every change (Fetch standard). Clients of registries never do. */
function isFromWebPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return headers.origin !== undefined || (site !== undefined && site !== 'none')
}
