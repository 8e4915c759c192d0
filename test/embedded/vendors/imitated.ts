import type { ServerOptions } from '../../../src/embedded/server.ts'
import { vendorImitations } from '../../../src/embedded/vendors/load-vendor.ts'
import type { VendorName } from '../../../src/embedded/vendors/vendor.ts'
import { started } from '../http.ts'

/** A registry that imitates a vendor, with a plain HTTP client. */
export async function imitated(name: VendorName, options: ServerOptions = {}) {
  const vendor = await vendorImitations[name]?.()
  if (vendor === undefined) throw new Error(`no imitation of ${name}`)
  const registry = await started({ vendor, ...options })
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await registry.call('GET', path, { headers })
    return { ...reply, value: reply.text === '' ? undefined : (JSON.parse(reply.text) as unknown) }
  }
  return { ...registry, get }
}
