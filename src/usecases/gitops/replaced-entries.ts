import type { ImageEntry } from '../../deployments/references/image-entry.ts'

/**
 * Whether a kustomization replaces the name of an entry: its own tag has no effect.
 * @param replaced the names that kustomizations replace (`ImageEntry.replaces`)
 */
export function isReplaced({ form, names }: ImageEntry, replaced: ReadonlySet<string>): boolean {
  return form === 'image' && names.some((name) => replaced.has(name))
}
