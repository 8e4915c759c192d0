import { formatSelector } from '../../selectors/tag-selector.ts'
import { notAHost, registryOf } from '../check/check-registries.ts'
import type { InUseProtection, InUseSources, Protection, TagProtection } from './policy.ts'
import { type ParseContext, repositoriesIn } from './retention-repositories.ts'
import type { WrittenProtection } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import { parseSelector } from './retention-selector.ts'
import { readVersions } from './retention-versions.ts'

const kinds = ['tags', 'semver', 'inUse'] as const
const maxName = 100

type What =
  | Pick<TagProtection, 'kind' | 'tags' | 'variant' | 'newest'>
  | Pick<InUseProtection, 'kind' | 'inUse'>

/** Parses a protection; undefined if it has a mistake. */
export function protectionOf(
  written: WrittenProtection,
  reader: ParseContext,
  path: Path,
): Protection | undefined {
  const repositories = repositoriesIn(written.repositories, reader, [...path, 'repositories'])
  const what = whatOf(written, reader, path)
  if (what === undefined || repositories?.length !== written.repositories?.length) return undefined
  return {
    name: written.name ?? nameOf(what, written.repositories),
    optional: written.optional ?? false,
    ...(repositories !== undefined && { repositories }),
    ...what,
  }
}

function whatOf(written: WrittenProtection, reader: ParseContext, path: Path): What | undefined {
  const { issues } = reader
  const given = kinds.filter((kind) => written[kind] !== undefined)
  if (given.length !== 1) {
    const message = 'a protection needs one of `tags`, `semver` and `inUse`'
    issues.push(
      given.length === 0
        ? { path, at: 'value', message, needs: true }
        : { path, at: 'value', message: `${message}, not several` },
    )
    return undefined
  }
  if (written.inUse !== undefined) return inUseOf(written.inUse, reader, [...path, 'inUse'])
  if (written.semver !== undefined) {
    const versions = readVersions(written.semver, 'keep', [...path, 'semver'], issues)
    return versions === undefined ? undefined : { kind: 'tags', ...versions }
  }
  if (written.tags === undefined) return undefined
  const tags = parseSelector(written.tags, 'keep', [...path, 'tags'], issues)
  return tags === undefined ? undefined : { kind: 'tags', tags }
}

function inUseOf(
  { files, kubectl, ignoreHosts }: NonNullable<WrittenProtection['inUse']>,
  { folder, issues }: ParseContext,
  path: Path,
): What | undefined {
  if (files === undefined && kubectl === undefined) {
    issues.push({ path, at: 'value', message: 'it needs `files` or `kubectl`', needs: true })
    return undefined
  }
  const inUse = {
    ...(files !== undefined && { files: { globs: files, folder } }),
    ...(kubectl !== undefined && { kubectl }),
    ...(ignoreHosts !== undefined && {
      ignoreHosts: ignoreHosts.flatMap((host, i) => {
        const registry = registryOf(host)
        if (registry !== undefined) return [registry]
        issues.push({ path: [...path, 'ignoreHosts', i], at: 'value', message: notAHost(host) })
        return []
      }),
    }),
  }
  return { kind: 'inUse', inUse }
}

/**
 * `tags latest, prod-*`, `versions >=1.0.0, the highest 2 of each minor`, `in use by gitops/**`.
 */
function nameOf(what: What, repositories: readonly string[] | undefined): string {
  const where = repositories === undefined ? '' : ` in ${repositories.join(', ')}`
  const name = `${what.kind === 'tags' ? nameOfTags(what) : nameOfUse(what.inUse)}${where}`
  return name.length > maxName ? `${name.slice(0, maxName - 1)}…` : name
}

function nameOfTags({ tags, variant, newest }: Extract<What, { readonly kind: 'tags' }>): string {
  const of = variant === undefined ? '' : ` of the variants ${variant.join(', ')}`
  const all = `${tags.kind === 'semver' ? 'versions' : 'tags'} ${formatSelector(tags)}${of}`
  return newest === undefined ? all : `${all}, the highest ${newest.count} of each ${newest.per}`
}

function nameOfUse({ files, kubectl }: InUseSources): string {
  const clusters = (kubectl?.contexts ?? []).map((context) => `cluster ${context}`)
  return `in use by ${[...(files?.globs ?? []), ...clusters].join(', ')}`
}
