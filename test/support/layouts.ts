import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Content, type Descriptor, sha256, types } from './images.ts'

const refName = 'org.opencontainers.image.ref.name'

export interface Entry extends Descriptor {
  readonly annotations?: Readonly<Record<string, string>>
}

export interface LayoutDocument {
  readonly schemaVersion: number
  readonly manifests: readonly Entry[]
  readonly [other: string]: unknown
}

export function blobFile(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'))
}

export function tagged(d: Descriptor, tag: string): Entry {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size, annotations: { [refName]: tag } }
}

/**
 * Writes content to a layout like other tools: entries for `tags` of the root, and for evidence.
 */
export function writeLayout(layout: string, content: Content, ...tags: readonly string[]): void {
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true })
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  for (const [digest, bytes] of content.blobs) writeFileSync(blobFile(layout, digest), bytes)
  for (const m of content.manifests) writeFileSync(blobFile(layout, m.descriptor.digest), m.bytes)
  const evidence = content.manifests.flatMap((m) => {
    if (m.tag !== undefined) return tagged(m.descriptor, m.tag)
    return m.subject === undefined ? [] : m.descriptor
  })
  const before = existsSync(join(layout, 'index.json')) ? readLayout(layout).manifests : []
  writeIndex(layout, [...before, ...tags.map((tag) => tagged(content.root, tag)), ...evidence])
}

export function writeIndex(layout: string, manifests: readonly unknown[], more: object = {}): void {
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests, ...more }),
  )
}

export function readLayout(layout: string): LayoutDocument {
  return JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as LayoutDocument
}

/** The digests of all entries, by tag, or by digest if an entry has no name. */
export function listLayout(layout: string): Readonly<Record<string, string>> {
  const entries = readLayout(layout).manifests
  return Object.fromEntries(entries.map((e) => [e.annotations?.[refName] ?? e.digest, e.digest]))
}

/** The parts of `content` that are missing or different in a layout. */
export function layoutDifferences(layout: string, content: Content): string[] {
  const all = [...content.blobs.keys(), ...content.manifests.map((m) => m.descriptor.digest)]
  return all.flatMap((digest) => {
    const file = blobFile(layout, digest)
    if (!existsSync(file)) return `${digest} is missing`
    const is = sha256(readFileSync(file))
    return is === digest ? [] : `${digest} hashes to ${is}`
  })
}
