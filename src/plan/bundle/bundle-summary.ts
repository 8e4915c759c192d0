import type { BundleBase, BundleDocument } from './bundle-document.ts'

/** A bundle in the output of `bundle create` and `bundle verify`. */
export interface BundleSummary {
  /** `-` for a pipe */
  readonly file: string
  readonly id: string
  readonly sequence: number
  readonly base: BundleBase | null
  readonly createdAt: string | null
  readonly roots: BundleDocument['roots']
  readonly deletes: BundleDocument['deletes']
  readonly carries: ContentTotal
  readonly expects: ContentTotal
  /** `signed`: not verified, because no key is known */
  readonly signature: 'none' | 'signed' | 'verified'
  /** the key or the signer that verified it */
  readonly signedBy: string | null
  /** bytes of the tar */
  readonly size: number | null
}

interface ContentTotal {
  /** manifests and blobs */
  readonly count: number
  readonly bytes: number
}

export function summaryOf(
  file: string,
  { id, sequence, base, createdAt, roots, deletes, carries, expects }: BundleDocument,
  found: {
    readonly signature: BundleSummary['signature']
    readonly signedBy?: string
    readonly size: number | undefined
  },
): BundleSummary {
  return {
    file,
    id,
    sequence,
    base: base ?? null,
    createdAt: createdAt ?? null,
    roots,
    deletes,
    carries: totalOf(carries),
    expects: totalOf(expects),
    signature: found.signature,
    signedBy: found.signedBy ?? null,
    size: found.size ?? null,
  }
}

function totalOf(contents: BundleDocument['carries']): ContentTotal {
  return { count: contents.length, bytes: contents.reduce((sum, { size }) => sum + size, 0) }
}
