import type { RepositoryName } from '../oci/reference.ts'
import { escapeText } from './escape.ts'

/** What one target of an environment is called, of `all` that it has: where there are several, its registry stands beside the name, or which one it is. */
export function nameOfTarget(environment: string, at: number, all: readonly RepositoryName[]): string {
  if (all.length < 2) return escapeText(environment)
  const registries = new Set(all.map(({ registry }) => registry))
  const which = registries.size === all.length ? all[at]?.registry : String(at + 1)
  return escapeText(`${environment} (${which})`)
}
