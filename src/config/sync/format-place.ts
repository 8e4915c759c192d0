import { layoutRegistry } from '../../oci/reference.ts'
import type { SyncDestination, SyncSource } from './sync-rule.ts'

/** Formats `from` or an entry of `to` as it is written; the folder of a layout is absolute. */
export function formatPlace(place: SyncSource | SyncDestination): string {
  switch (place.kind) {
    case 'environment':
      return `@${place.environment}`
    case 'layout':
      return `${layoutRegistry}${place.folder}`
    case 'registry': {
      const path = 'path' in place ? place.path : place.prefix
      return path === '' ? place.registry : `${place.registry}/${path}`
    }
  }
}
