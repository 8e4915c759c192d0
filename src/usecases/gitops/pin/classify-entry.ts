import type { ImageEntry } from '../../../deployments/references/image-entry.ts'
import { formatAt, parseRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { PinSource } from './pin-source.ts'

/** A tag that a registry has to resolve. */
export interface TagToResolve {
  readonly repository: RepositoryName
  readonly tag: string
}

export type EntryClass =
  /** it has a digest */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** several if the file does not determine the registry */
  | { readonly kind: 'resolve'; readonly tags: readonly TagToResolve[] }

export interface PinOptions {
  /** also resolve the tags of images that have a digest */
  readonly update: boolean
  /** @see renamedNames */
  readonly renamed: ReadonlySet<string>
}

/** Decides whether an image of a file is pinned. Pure. */
export function classifyEntry(entry: ImageEntry, { update, renamed }: PinOptions): EntryClass {
  const { names, tag, tagOfNumber, digest } = entry
  if (digest !== undefined && !(update && tag !== undefined)) return { kind: 'unchanged' }
  const replaced = entry.replaces === undefined ? names.find((name) => renamed.has(name)) : undefined
  if (replaced !== undefined)
    return { kind: 'skipped', reason: `a kustomization replaces the name ${JSON.stringify(replaced)}` }
  if (tag === undefined) return { kind: 'skipped', reason: 'it has no tag' }
  if (tagOfNumber !== undefined) {
    const reason = `Helm reads the number ${tag} as ${tagOfNumber}; write the tag in quotes`
    return { kind: 'skipped', reason }
  }
  return { kind: 'resolve', tags: names.map((name) => ({ repository: parseRepository(name), tag })) }
}

/**
 * Returns the names that kustomizations of these files replace by others. An image with such a name
 * is a placeholder, or comes from another registry.
 */
export function renamedNames(sources: readonly PinSource[]): ReadonlySet<string> {
  return new Set(
    sources.flatMap(({ entries }) =>
      entries.flatMap(({ entry: { replaces, names } }) =>
        replaces === undefined || names.includes(replaces) ? [] : [replaces],
      ),
    ),
  )
}

/** `registry.example.com/team/api:1.4.2` */
export function keyOfTag({ repository, tag }: TagToResolve): string {
  return formatAt(repository, { tag })
}
