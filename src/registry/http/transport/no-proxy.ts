import { BlockList, isIP } from 'node:net'
import { bareHost, portOf } from './origins.ts'

/**
 * Whether `NO_PROXY` excludes a URL (golang.org/x/net/http/httpproxy): names and their subdomains
 * (`example.com`; `.example.com` for subdomains only), `*` for all, addresses, and networks
 * (`10.0.0.0/8`, `fd00::/8`). Each may have a port.
 */
export function bypasses(address: URL, noProxy: string): boolean {
  const host = bareHost(address.hostname).toLowerCase()
  const port = String(portOf(address))
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && fits(entry, host, port))
}

function fits(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isInNetwork(entry, host)
  const { name, port: only } = split(entry)
  if (only !== undefined && only !== port) return false
  if (isIP(name) !== 0) return isInNetwork(`${name}/${addressBits(isIP(name))}`, host)
  if (isIP(host) !== 0) return false
  if (name.startsWith('*.')) return host.endsWith(name.slice(1))
  if (name.startsWith('.')) return host.endsWith(name)
  return host === name || host.endsWith(`.${name}`)
}

/** `host`, `host:port`, `[::1]:port`, `::1`. */
function split(entry: string): { readonly name: string; readonly port?: string } {
  if (isIP(entry) !== 0) return { name: entry }
  const parts = /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(entry)
  const [, name = entry, port] = parts ?? []
  return { name, ...(port !== undefined && { port }) }
}

function isInNetwork(entry: string, host: string): boolean {
  const family = isIP(host)
  const [, net = '', bits = ''] = /^([^/]*)\/(\d{1,3})$/.exec(entry) ?? []
  if (family === 0 || isIP(net) !== family || Number(bits) > addressBits(family)) return false
  const list = new BlockList()
  list.addSubnet(net, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function addressBits(family: number): number {
  return family === 4 ? 32 : 128
}
