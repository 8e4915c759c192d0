import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { platformNamed } from '../../oci/platform.ts'
import type { BundleContent, BundleDocument, BundleRoot } from './bundle-document.ts'

/** The error for a bundle that dray cannot have made. @param name of the file */
export function invalidBundle(name: string, why: string): DrayError {
  return new DrayError('malformed', `${name} is not a valid bundle`, {
    subject: name,
    why,
    hint: 'Create the bundle again with dray bundle create.',
  })
}

/**
 * Checks that the parts of a document fit together. `ContentCheck` compares it with the manifests.
 * @throws `malformed`.
 */
export function checkBundleConsistency(document: BundleDocument, name: string): void {
  const why = inconsistency(document)
  if (why !== undefined) throw invalidBundle(name, why)
}

function inconsistency(document: BundleDocument): string | undefined {
  const known = new Map<Digest, BundleContent>()
  return (
    wrongBase(document) ??
    wrongContents(document, known) ??
    firstOf(document.roots, (root) => wrongRoot(root, known)) ??
    doubledTag(document)
  )
}

function wrongBase({ base, sequence, expects, deletes, roots }: BundleDocument): string | undefined {
  if (base !== undefined) {
    if (sequence === base.sequence + 1) return undefined
    return `its sequence is ${sequence}, and that of its base is ${base.sequence}`
  }
  if (sequence !== 1) return `it has no base, and its sequence is ${sequence}`
  if (expects.length > 0) return 'it has no base, and expects content'
  if (roots.some(({ replaces }) => replaces !== undefined)) return 'it has no base, and replaces images'
  return deletes.length > 0 ? 'it has no base, and deletes tags' : undefined
}

/** Each content is listed once, and manifests come first: their order is that of the tar. */
function wrongContents(
  { carries, expects }: BundleDocument,
  known: Map<Digest, BundleContent>,
): string | undefined {
  for (const content of [...carries, ...expects]) {
    if (known.has(content.digest)) return `it lists ${content.digest} twice`
    known.set(content.digest, content)
  }
  const firstBlob = carries.findIndex(({ kind }) => kind === 'blob')
  const late = firstBlob < 0 ? undefined : carries.slice(firstBlob).find(({ kind }) => kind === 'manifest')
  if (late !== undefined) return `the manifest ${late.digest} comes after a blob`
  const total = [...known.values()].reduce((sum, { size }) => sum + size, 0)
  return Number.isSafeInteger(total) ? undefined : 'its content is too large'
}

function wrongRoot(
  { root, repository, tags, platforms, attached, replaces }: BundleRoot,
  known: ReadonlyMap<Digest, BundleContent>,
): string | undefined {
  const content = known.get(root.digest)
  const where = `${repository}@${root.digest}`
  if (content?.kind !== 'manifest') return `it neither carries nor expects the manifest ${where}`
  if (content.size !== root.size) return `it lists two sizes of ${where}`
  const invalid = platforms?.find((platform) => platformNamed(platform) === undefined)
  if (invalid !== undefined) return `${JSON.stringify(invalid)} is not a platform`
  if (platforms?.length === 0) return `${where} has an empty list of platforms`
  const strange = replaces?.find(({ tag, digest }) => !tags.includes(tag) || digest === root.digest)
  if (strange !== undefined) return `${where} does not replace the image of the tag ${strange.tag}`
  if (attached === undefined) return undefined
  if (tags.length > 0) return `the attached artifact ${where} has tags`
  if ((attached.tag !== undefined) !== (attached.via === 'tag')) {
    return `the attached artifact ${where} has a wrong tag`
  }
  if (known.get(attached.subject)?.kind === 'manifest') return undefined
  return `it neither carries nor expects ${attached.subject}, to which ${where} is attached`
}

function doubledTag({ roots, deletes }: BundleDocument): string | undefined {
  const seen = new Set<string>()
  const isDoubled = (repository: string, tag: string): boolean => {
    const key = `${repository}:${tag}`
    if (seen.has(key)) return true
    seen.add(key)
    return false
  }
  for (const { repository, tags, attached } of roots) {
    const own = attached?.tag === undefined ? tags : [attached.tag]
    const doubled = own.find((tag) => isDoubled(repository, tag))
    if (doubled !== undefined) return `it has the tag ${repository}:${doubled} twice`
  }
  const doubled = deletes.find(({ repository, tag }) => isDoubled(repository, tag))
  return doubled === undefined
    ? undefined
    : `it writes and deletes the tag ${doubled.repository}:${doubled.tag}`
}

function firstOf<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const why = check(item)
    if (why !== undefined) return why
  }
  return undefined
}
