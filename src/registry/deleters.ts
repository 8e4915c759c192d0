import type { Deleter } from '../images/ports.ts'
import type { RepositoryClient } from './client/client.ts'
import { deleteContent } from './client/manifests/deletion.ts'

/** Registries that delete by an API of their own. */
export interface VendorDeleter {
  readonly hosts: RegExp
  /** Creates the port of one repository, as an object literal. */
  readonly create: (client: RepositoryClient) => Deleter
}

/** The vendors' APIs that dray can use. Add a row to use one instead of the standard API. */
const vendorDeleters: readonly VendorDeleter[] = []

/** Returns the deleter of the first vendor whose hosts match, or the one of the standard API. */
export function deleterFor(client: RepositoryClient, vendors = vendorDeleters): Deleter {
  const vendor = vendors.find(({ hosts }) => hosts.test(client.registry))
  return vendor?.create(client) ?? standardDeleter(client)
}

/** The API of the specification (distribution-spec, Content Management). */
function standardDeleter(client: RepositoryClient): Deleter {
  return {
    deleteManifest: (digest, call, before) => deleteContent(client, { digest }, call, before),
    deleteTag: (tag, call, before) => deleteContent(client, { tag }, call, before),
  }
}
