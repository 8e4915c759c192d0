import type { Content, Descriptor } from '../images.ts'

/** A file in `test/fixtures/signatures`. Its strings are the bytes: a formatter changes none. */
interface FixtureFile {
  /** the command that made it */
  readonly made: string
  readonly root: Descriptor
  /** `text` in UTF-8 */
  readonly manifests: readonly {
    readonly descriptor: Descriptor
    readonly tag?: string
    readonly subject?: string
    readonly text: string
  }[]
  /** by digest: text in UTF-8, or `base64:` and other bytes */
  readonly blobs: Readonly<Record<string, string>>
}

const marker = 'base64:'

export function formatFixture(made: string, { root, manifests, blobs }: Content): string {
  const file: FixtureFile = {
    made,
    root,
    manifests: manifests.map(({ bytes, ...manifest }) => ({
      ...manifest,
      text: Buffer.from(bytes).toString(),
    })),
    blobs: Object.fromEntries([...blobs].map(([digest, bytes]) => [digest, formatBytes(Buffer.from(bytes))])),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

export function parseFixture(text: string): Content {
  const { root, manifests, blobs } = JSON.parse(text) as FixtureFile
  return {
    root,
    manifests: manifests.map(({ text: body, ...manifest }) => ({ ...manifest, bytes: Buffer.from(body) })),
    blobs: new Map(Object.entries(blobs).map(([digest, bytes]) => [digest, parseBytes(bytes)])),
  }
}

function formatBytes(bytes: Buffer): string {
  const text = bytes.toString()
  const isText = !text.includes('\0') && Buffer.from(text).equals(bytes)
  return isText ? text : `${marker}${bytes.toString('base64')}`
}

function parseBytes(text: string): Buffer {
  return text.startsWith(marker) ? Buffer.from(text.slice(marker.length), 'base64') : Buffer.from(text)
}
