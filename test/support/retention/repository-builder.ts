import {
  type Content,
  cosignSignature,
  type Descriptor,
  image,
  manifestOf,
  sha256,
  type StoredManifest,
  types,
} from '../images.ts'
import { fallbackTag } from './evidence-tags.ts'
import { now, type ManifestRecipe, type Recipe, type CreatedTime } from './recipes.ts'

/** The content of a repository. */
export interface BuiltRepository {
  readonly manifests: readonly StoredManifest[]
  readonly blobs: ReadonlyMap<string, Uint8Array>
  readonly tags: ReadonlyMap<string, string>
  readonly dangling: readonly string[]
}

const created = 'org.opencontainers.image.created'
const day = 86_400_000

/**
 * The manifests, blobs and tags of a recipe.
 * @param referrers whether the registry has a referrers API; else fallback tags list all referrers
 */
export function buildRepository({ manifests, tags, dangling }: Recipe, referrers: boolean): BuiltRepository {
  const builder = new RepositoryBuilder(referrers, dangling)
  manifests.forEach((one, i) => builder.add(one, i))
  for (const { tag, on } of tags) {
    const root = builder.roots[on % builder.roots.length]
    if (root !== undefined) builder.tags.set(tag, root.digest)
  }
  return builder
}

type HoldRecipe = Extract<ManifestRecipe, { kind: 'hold' }>

class RepositoryBuilder implements BuiltRepository {
  readonly manifests: StoredManifest[] = []
  readonly blobs: Map<string, Uint8Array> = new Map()
  readonly tags: Map<string, string> = new Map()
  readonly dangling: readonly string[]
  /** the manifests that tags and later manifests can refer to, oldest first */
  readonly roots: Descriptor[] = []
  /** those of them that are images or indexes */
  readonly #images: Descriptor[] = []
  readonly #referrers: boolean
  /** the entries of the fallback index of each subject */
  readonly #fallback: Map<string, Descriptor[]> = new Map()

  constructor(referrers: boolean, dangling: readonly string[]) {
    this.#referrers = referrers
    this.dangling = dangling
  }

  add(recipe: ManifestRecipe, i: number): void {
    switch (recipe.kind) {
      case 'image':
        return this.#image(this.#put(buildImage(`image ${i}`, recipe.annotated, recipe.configured)))
      case 'index':
        return this.#index(recipe, i)
      case 'referrer':
        return this.#referrer(recipe, i)
      case 'cosign': {
        const content = cosignSignature(this.#subject(recipe.of, i), {
          suffix: recipe.suffix,
          payloads: [`${i}`],
        })
        const root = this.#put(content)
        const name = fallbackTag(this.#subject(recipe.of, i).digest)
        this.tags.set(`${recipe.prefix}${name}.${recipe.suffix}`, root.digest)
        return
      }
      case 'hold':
        return this.#hold(recipe, i)
      case 'emptied': {
        const root = this.#manifest(manifestOf(types.index, { manifests: [] }))
        for (const of of recipe.of) {
          const tag = fallbackTag(this.#back(of).digest)
          if (!this.tags.has(tag)) this.tags.set(tag, root.digest)
        }
        return
      }
    }
  }

  /** Only images and indexes are held. */
  #hold({ of, decision, daysAgo, ends, isReadable, isTagged }: HoldRecipe, i: number): void {
    const held = this.#images.at(-1 - (of % Math.max(this.#images.length, 1)))
    if (held === undefined) return
    const { mediaType, digest, size } = held
    if (isTagged || decision === 'tag') this.tags.set(`hold-${digest.slice(7, 19)}`, digest)
    if (decision === 'tag') return
    const expires = ends === 'none' ? undefined : new Date(now + ends * day).toISOString().slice(0, 10)
    const predicate = { digest, decision, timestamp: new Date(now - daysAgo * day).toISOString(), expires }
    const statement = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ name: 'held', digest: { sha256: digest.slice(7) } }],
        predicateType: 'urn:dray:hold:v1',
        predicate,
      }),
    )
    const bytes = isReadable ? statement : statement.subarray(1)
    this.blobs.set(sha256(bytes), bytes)
    const blob = { mediaType: 'application/vnd.in-toto+json', digest: sha256(bytes), size: bytes.byteLength }
    const manifest = manifestOf(types.manifest, {
      artifactType: blob.mediaType,
      config: blob,
      layers: [{ ...blob, data: bytes.toString('base64') }],
      subject: { mediaType, digest, size },
      annotations: { 'in-toto.io/predicate-type': 'urn:dray:hold:v1', n: `${i}` },
    })
    const root = this.#manifest({ ...manifest, subject: digest })
    if (!this.#referrers) this.#listByTag(digest, root)
  }

  #index(
    { children, annotated, hasAttestations, hasMissingChild }: Extract<ManifestRecipe, { kind: 'index' }>,
    i: number,
  ): void {
    const listed = this.#children(children).flatMap((child) =>
      hasAttestations
        ? [child, attestation(child, this.#put(buildImage(`attests ${child.digest}`, 'absent', 0)))]
        : [child],
    )
    const gone = buildImage(`gone ${i}`, 'absent', 3).root
    const manifests = hasMissingChild ? [...listed, gone] : listed
    // Without the annotation, two empty indexes would be the same manifest.
    const annotations = { ...annotationsOf(annotated), n: `${i}` }
    this.#image(this.#manifest(manifestOf(types.index, { manifests, annotations })))
  }

  #referrer(
    { of, children, byTag, annotated }: Extract<ManifestRecipe, { kind: 'referrer' }>,
    i: number,
  ): void {
    const { mediaType, digest, size } = this.#subject(of, i)
    const common = {
      artifactType: 'application/vnd.example.report',
      subject: { mediaType, digest, size },
      annotations: { ...annotationsOf(annotated), n: `${i}` },
    }
    const empty = Buffer.from('{}')
    this.blobs.set(sha256(empty), empty)
    const config = { mediaType: types.empty, digest: sha256(empty), size: 2 }
    // Random numbers would make too many indexes that list their own subject.
    const listed = this.#children(children).filter((part) => part.digest !== digest)
    const manifest =
      listed.length > 0
        ? manifestOf(types.index, { ...common, manifests: listed })
        : manifestOf(types.manifest, { ...common, config, layers: [config] })
    const root = this.#manifest({ ...manifest, subject: digest })
    if (byTag || !this.#referrers) this.#listByTag(digest, root)
    this.#root(root)
  }

  #listByTag(subject: string, referrer: Descriptor): void {
    const listed = [...(this.#fallback.get(subject) ?? []), referrer]
    this.#fallback.set(subject, listed)
    const index = this.#manifest(manifestOf(types.index, { manifests: listed }))
    this.tags.set(fallbackTag(subject), index.digest)
  }

  #children(children: readonly number[]): readonly Descriptor[] {
    const found = this.roots.length === 0 ? [] : children.map((part) => this.#back(part))
    return [...new Map(found.map((one) => [one.digest, one])).values()]
  }

  #subject(of: number | 'gone', i: number): Descriptor {
    return of === 'gone' ? buildImage(`gone subject ${i % 3}`, 'absent', 3).root : this.#back(of)
  }

  /** An earlier manifest, or an image if there is none. */
  #back(n: number): Descriptor {
    const found = this.roots.at(-1 - (n % Math.max(this.roots.length, 1)))
    return found ?? this.#put(buildImage('first', 'absent', 20))
  }

  #image(root: Descriptor): void {
    this.#images.push(root)
    this.#root(root)
  }

  #root(root: Descriptor): void {
    this.roots.push(root)
  }

  #put(content: Content): Descriptor {
    for (const [digest, bytes] of content.blobs) this.blobs.set(digest, bytes)
    for (const manifest of content.manifests) this.#manifest(manifest)
    return content.root
  }

  #manifest(manifest: StoredManifest): Descriptor {
    if (!this.manifests.some(({ descriptor }) => descriptor.digest === manifest.descriptor.digest))
      this.manifests.push(manifest)
    return manifest.descriptor
  }
}

/** Builds an image of one small layer. */
export function buildImage(label: string, annotated: CreatedTime, configured: CreatedTime): Content {
  const time = textOf(configured)
  return image({
    label,
    layers: ['base'],
    layerSize: 0,
    ...(annotated !== 'absent' && { annotations: annotationsOf(annotated) }),
    // An absent time becomes an empty one, because `image` would use its default.
    created: time ?? '',
  })
}

function attestation(of: Descriptor, root: Descriptor): Descriptor {
  return {
    ...root,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': of.digest,
    },
  }
}

function annotationsOf(annotated: CreatedTime): Readonly<Record<string, string>> {
  const text = textOf(annotated)
  return text === undefined ? {} : { [created]: text }
}

function textOf(time: CreatedTime): string | undefined {
  if (typeof time === 'number') return new Date(now - time * day).toISOString()
  return {
    absent: undefined,
    empty: '',
    'year 1': '0001-01-01T00:00:00Z',
    '1970': '1970-01-01T00:00:00Z',
    future: '2031-01-01T00:00:00Z',
    garbage: 'last tuesday',
  }[time]
}
