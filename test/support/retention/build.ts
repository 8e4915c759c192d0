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
import { fallbackTag } from './names.ts'
import { now, type Piece, type Recipe, type When } from './recipes.ts'

/** What a recipe makes. */
export interface Built {
  readonly manifests: readonly StoredManifest[]
  readonly blobs: ReadonlyMap<string, Uint8Array>
  readonly tags: ReadonlyMap<string, string>
}

const created = 'org.opencontainers.image.created'
const day = 86_400_000

/**
 * The manifests, blobs and tags of a recipe.
 * @param referrers whether the registry lists them; else only those that are under a fallback tag can be seen
 */
export function build({ pieces, tags }: Recipe, referrers: boolean): Built {
  const site = new Site(referrers)
  pieces.forEach((one, i) => site.add(one, i))
  for (const { tag, on } of tags) {
    const root = site.roots[on % site.roots.length]
    if (root !== undefined) site.tags.set(tag, root.digest)
  }
  return site
}

class Site implements Built {
  readonly manifests: StoredManifest[] = []
  readonly blobs: Map<string, Uint8Array> = new Map()
  readonly tags: Map<string, string> = new Map()
  /** what tags and other pieces can name, oldest first */
  readonly roots: Descriptor[] = []
  readonly #referrers: boolean
  /** by subject: what its fallback index lists */
  readonly #fallback: Map<string, Descriptor[]> = new Map()

  constructor(referrers: boolean) {
    this.#referrers = referrers
  }

  add(piece: Piece, i: number): void {
    switch (piece.kind) {
      case 'image':
        return this.#root(this.#put(anImage(`image ${i}`, piece.annotated, piece.configured)))
      case 'index':
        return this.#index(piece, i)
      case 'referrer':
        return this.#referrer(piece, i)
      case 'cosign': {
        const content = cosignSignature(this.#subject(piece.of, i), {
          suffix: piece.suffix,
          payloads: [`${i}`],
        })
        const root = this.#put(content)
        this.tags.set(`${fallbackTag(this.#subject(piece.of, i).digest)}.${piece.suffix}`, root.digest)
        return
      }
      case 'emptied': {
        const root = this.#manifest(manifestOf(types.index, { manifests: [] }))
        for (const of of piece.of) {
          const tag = fallbackTag(this.#back(of).digest)
          if (!this.tags.has(tag)) this.tags.set(tag, root.digest)
        }
        return
      }
    }
  }

  #index({ parts, annotated, attested, dangling }: Extract<Piece, { kind: 'index' }>, i: number): void {
    const children = this.#parts(parts).flatMap((child) =>
      attested
        ? [child, attestation(child, this.#put(anImage(`attests ${child.digest}`, 'absent', 0)))]
        : [child],
    )
    const gone = anImage(`gone ${i}`, 'absent', 3).root
    const manifests = dangling ? [...children, gone] : children
    // two indexes of nothing would be one
    const annotations = { ...annotationsOf(annotated), n: `${i}` }
    this.#root(this.#manifest(manifestOf(types.index, { manifests, annotations })))
  }

  #referrer({ of, parts, byTag, annotated }: Extract<Piece, { kind: 'referrer' }>, i: number): void {
    const { mediaType, digest, size } = this.#subject(of, i)
    const common = {
      artifactType: 'application/vnd.example.report',
      subject: { mediaType, digest, size },
      annotations: { ...annotationsOf(annotated), n: `${i}` },
    }
    const empty = Buffer.from('{}')
    this.blobs.set(sha256(empty), empty)
    const config = { mediaType: types.empty, digest: sha256(empty), size: 2 }
    // one that lists its own subject is too rare to be so many of these
    const listed = this.#parts(parts).filter((part) => part.digest !== digest)
    const made =
      listed.length > 0
        ? manifestOf(types.index, { ...common, manifests: listed })
        : manifestOf(types.manifest, { ...common, config, layers: [config] })
    const root = this.#manifest({ ...made, subject: digest })
    if (byTag || !this.#referrers) this.#listByTag(digest, root)
    this.#root(root)
  }

  #listByTag(subject: string, referrer: Descriptor): void {
    const listed = [...(this.#fallback.get(subject) ?? []), referrer]
    this.#fallback.set(subject, listed)
    const index = this.#manifest(manifestOf(types.index, { manifests: listed }))
    this.tags.set(fallbackTag(subject), index.digest)
  }

  #parts(parts: readonly number[]): readonly Descriptor[] {
    const found = this.roots.length === 0 ? [] : parts.map((part) => this.#back(part))
    return [...new Map(found.map((one) => [one.digest, one])).values()]
  }

  #subject(of: number | 'gone', i: number): Descriptor {
    return of === 'gone' ? anImage(`gone subject ${i % 3}`, 'absent', 3).root : this.#back(of)
  }

  /** Something that was made before; where nothing was, an image. */
  #back(n: number): Descriptor {
    const found = this.roots.at(-1 - (n % Math.max(this.roots.length, 1)))
    return found ?? this.#put(anImage('first', 'absent', 20))
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

/** Pushes after the repository was read make images of their own with this. */
export function anImage(label: string, annotated: When, configured: When): Content {
  const time = textOf(configured)
  return image({
    label,
    layers: ['base'],
    layerSize: 0,
    ...(annotated !== 'absent' && { annotations: annotationsOf(annotated) }),
    // a config without the time has it empty: the builder would put its own
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

function annotationsOf(annotated: When): Readonly<Record<string, string>> {
  const text = textOf(annotated)
  return text === undefined ? {} : { [created]: text }
}

function textOf(time: When): string | undefined {
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
