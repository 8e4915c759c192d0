import { isRecord } from '../../oci/json.ts'
import type { KnownNames } from './sections.ts'

/** The names that a parsed file defines, also if it has mistakes. */
export function namesIn(value: unknown): KnownNames {
  const file = isRecord(value) ? value : {}
  return {
    environments: keysOf(file['environments']),
    images: keysOf(file['images']),
    signers: keysOf(file['signers']),
    groups: new Map(
      Object.entries(isRecord(file['approvers']) ? file['approvers'] : {}).map(([group, people]) => [
        group,
        keysOf(people),
      ]),
    ),
  }
}

function keysOf(value: unknown): readonly string[] {
  return isRecord(value) ? Object.keys(value) : []
}
