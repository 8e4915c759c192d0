import type { ContentStore } from '../../images/cache/content-store.ts'
import type { Inventories } from '../../images/inventory/inventory.ts'
import type { Repositories } from '../../images/ports.ts'

export interface SyncPorts {
  readonly stores: Repositories
  /** the inventories of registries; absent: only the OCI API is used */
  readonly inventories?: Inventories | undefined
  /** manifests and configs of earlier runs, for the times of images */
  readonly contents?: ContentStore | undefined
}
