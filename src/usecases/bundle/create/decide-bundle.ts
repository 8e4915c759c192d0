import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { BundleContent, BundleDocument, BundleRoot } from '../../../plan/bundle/bundle-document.ts'
import { withBundleId } from '../../../plan/bundle/bundle-file.ts'
import { decideDeletes, type DeletingRule } from './decide-deletes.ts'
import type { PackedImage, PackedRoot } from './gather-bundle.ts'
import type { BundleHistory } from './request.ts'

export interface BundleOptions {
  /** undefined: a full bundle */
  readonly history?: BundleHistory
  readonly deletingRules: readonly DeletingRule[]
  /** ISO 8601, UTC */
  readonly createdAt?: string
}

export interface BundleDecision {
  readonly document: BundleDocument
  /** what to write, in the order of the bundle */
  readonly contents: readonly PackedContent[]
}

/** Content, and where to read it. */
export interface PackedContent {
  readonly content: BundleContent
  readonly descriptor: Descriptor
  readonly repository: RepositoryName
}

/**
 * Decides what a bundle contains: pure. The order depends on the images alone: roots by their paths
 * and tags, each with its attached artifacts, then manifests and blobs in the order in which the
 * roots use them.
 * @throws `refused` for a tag on two digests, and if a rule would delete too many tags.
 */
export function decideBundle(images: readonly PackedImage[], options: BundleOptions): BundleDecision {
  const roots = mergeRoots(images)
  checkTags(roots)
  const { history } = options
  const contents = [...contentsOf(roots)]
  const written = tagsOf(history?.roots ?? [])
  const isReceived = ({ content }: PackedContent): boolean => history?.received.has(content.digest) === true
  const carried = contents.filter((one) => !isReceived(one))
  const document = withBundleId({
    sequence: (history?.base.sequence ?? 0) + 1,
    ...(history !== undefined && { base: history.base }),
    roots: roots.map((root) => bundleRootOf(root, written)),
    carries: carried.map(({ content }) => content),
    expects: contents.filter(isReceived).map(({ content }) => ({
      ...content,
      repository: history?.received.get(content.digest) ?? content.repository,
    })),
    deletes: decideDeletes(history?.roots ?? [], selectedTags(roots), options.deletingRules),
    ...(options.createdAt !== undefined && { createdAt: options.createdAt }),
  })
  return { document, contents: carried }
}

/** Roots of one digest in one repository are one: rules and images may select it several times. */
function mergeRoots(images: readonly PackedImage[]): readonly PackedRoot[] {
  const sorted = images.toSorted(([a], [b]) => compare(orderOf(a), orderOf(b)))
  const merged = new Map<string, PackedRoot>()
  for (const [image, ...attached] of sorted) {
    for (const root of [image, ...attached.toSorted((a, b) => compare(orderOf(a), orderOf(b)))]) {
      const key = JSON.stringify([root.request.path, root.root.digest, root.attached?.tag ?? null])
      const known = merged.get(key)
      merged.set(key, known === undefined ? root : mergeTwo(known, root))
    }
  }
  return [...merged.values()]
}

/** An image can also be attached to another one. It stays an image then. */
function mergeTwo(known: PackedRoot, other: PackedRoot): PackedRoot {
  const image = known.attached === undefined ? known : other
  if (image.attached !== undefined) return known
  const images = [known, other].filter(({ attached }) => attached === undefined)
  const tags = [...new Set(images.flatMap(({ request }) => request.tags))].toSorted()
  const isWhole = images.some(({ platforms }) => platforms === undefined)
  const platforms = [...new Set(images.flatMap((one) => one.platforms ?? []))].toSorted()
  const { platforms: _, ...rest } = image
  return {
    ...rest,
    request: { ...image.request, tags },
    manifests: eachOnce([...known.manifests, ...other.manifests]),
    blobs: eachOnce([...known.blobs, ...other.blobs]),
    ...(!isWhole && { platforms }),
  }
}

function eachOnce(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((d) => [d.digest, d])).values()]
}

function orderOf({ request: { path, tags }, root, attached }: PackedRoot): readonly string[] {
  if (attached !== undefined) return [attached.via, attached.tag ?? '', root.digest]
  return [path, tags.toSorted()[0] ?? '', root.digest]
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, i) => text !== b[i])
  return at < 0 ? 0 : (a[at] ?? '') < (b[at] ?? '') ? -1 : 1
}

/** Yields manifests, then blobs. A digest that is a manifest in one root is a manifest in all. */
function* contentsOf(roots: readonly PackedRoot[]): Generator<PackedContent> {
  const seen = new Set<Digest>()
  for (const kind of ['manifest', 'blob'] as const) {
    for (const { request, manifests, blobs } of roots) {
      for (const descriptor of kind === 'manifest' ? manifests : blobs) {
        const { digest, size } = descriptor
        if (seen.has(digest)) continue
        seen.add(digest)
        const content = { digest, size, kind, repository: request.path }
        yield { content, descriptor, repository: request.repository }
      }
    }
  }
}

/** By `library/alpine:3.20`: the digest that the base put there. */
function tagsOf(roots: readonly BundleRoot[]): ReadonlyMap<string, Digest> {
  return new Map(
    roots.flatMap(({ repository, root, tags }) =>
      tags.map((tag) => [`${repository}:${tag}`, root.digest] as const),
    ),
  )
}

function bundleRootOf(
  { request, root, platforms, attached }: PackedRoot,
  written: ReadonlyMap<string, Digest>,
): BundleRoot {
  const tags = attached === undefined ? request.tags.toSorted() : []
  const replaces = tags.flatMap((tag) => {
    const digest = written.get(`${request.path}:${tag}`)
    return digest === undefined || digest === root.digest ? [] : [{ tag, digest }]
  })
  return {
    repository: request.path,
    root,
    tags,
    source: request.source,
    ...(request.rule !== undefined && { rule: request.rule }),
    ...(request.followsSource === true && tags.length > 0 && { movedTags: 'follow' }),
    ...(replaces.length > 0 && { replaces }),
    ...(platforms !== undefined && { platforms }),
    ...(attached !== undefined && { attached }),
  }
}

function selectedTags(roots: readonly PackedRoot[]): ReadonlySet<string> {
  const images = roots.filter(({ attached }) => attached === undefined)
  return new Set(images.flatMap(({ request: { path, tags } }) => tags.map((tag) => `${path}:${tag}`)))
}

/** @throws `refused`. */
function checkTags(roots: readonly PackedRoot[]): void {
  const known = new Map<string, PackedRoot>()
  for (const root of roots) {
    const { request, attached } = root
    for (const tag of attached === undefined ? request.tags : [attached.tag ?? []].flat()) {
      const name = `${request.path}:${tag}`
      const other = known.get(name)
      known.set(name, root)
      if (other === undefined) continue
      throw new DrayError('refused', `two images would have the tag ${name} in the bundle`, {
        why: `they are ${other.request.image} and ${request.image}`,
        hint: 'Pack one of them into a bundle of its own.',
      })
    }
  }
}
