import * as v from 'valibot'
import { DrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Hash } from '../plan.ts'
import { natural } from '../shapes.ts'
import type { BundleNeed, BundleReceipt } from './bundle-document.ts'
import { bundleName, bundleRoot, content, hash } from './bundle-shapes.ts'
import { parseCanonical } from './parse-canonical.ts'

interface ReceiptFile extends BundleReceipt {
  readonly hash: Hash
  readonly signature?: Readonly<Record<string, unknown>>
}

/** The largest receipt or need document that dray reads, bytes. */
export const maxReceiptSize: number = 64 * 1024 * 1024

/**
 * Formats a receipt: canonical JSON with its hash and, if there is one, its signature, with a line
 * break.
 */
export function formatReceipt(receipt: BundleReceipt, signature?: unknown): string {
  const file = {
    ...receipt,
    hash: digestOf(canonicalJson(receipt)),
    ...(signature !== undefined && { signature }),
  }
  return `${canonicalJson(file)}\n`
}

export function formatNeed(need: BundleNeed): string {
  return `${canonicalJson(need)}\n`
}

/** Checks the signature of a receipt, given as canonical JSON. @throws `refused`. */
export type ReceiptCheck = (canonical: string, signature: unknown, name: string) => void

/**
 * Parses a receipt. Its hash shows an edit by hand; only a signature protects against a person who
 * computes a new one.
 * @throws `malformed`; `unsupported` for another version; `refused` for a receipt that was edited.
 */
export function parseReceipt(bytes: Uint8Array, name: string, check?: ReceiptCheck): BundleReceipt {
  const kind = {
    schema: 'dray.receipt/1',
    noun: 'a receipt',
    hint: 'Name the receipt that dray bundle apply wrote.',
    end: '\n',
  } as const
  const shape = v.strictObject({
    schema: v.literal('dray.receipt/1'),
    bundle: bundleName,
    destination: v.pipe(v.string(), v.nonEmpty()),
    roots: v.array(bundleRoot),
    present: v.array(content),
    auditHead: v.exactOptional(v.strictObject({ seq: natural, hash })),
    hash,
    signature: v.exactOptional(v.record(v.string(), v.unknown())),
  })
  const file = parseCanonical(bytes, name, kind, shape) as ReceiptFile
  const { hash: saved, signature, ...receipt } = file
  const canonical = canonicalJson(receipt)
  check?.(canonical, signature, name)
  if (digestOf(canonical) === saved) return receipt
  throw new DrayError('refused', `the receipt ${name} was changed after it was written`, {
    subject: name,
    why: 'its hash does not match its content',
    hint: 'Use the receipt that dray bundle apply wrote.',
  })
}

/** @throws `malformed`; `unsupported` for another version. */
export function parseNeed(bytes: Uint8Array, name: string): BundleNeed {
  const kind = {
    schema: 'dray.need/1',
    noun: 'a list of needed content',
    hint: 'Name the file need.json that dray bundle apply wrote.',
    end: '\n',
  } as const
  const shape = v.strictObject({
    schema: v.literal('dray.need/1'),
    bundle: bundleName,
    missing: v.array(content),
  })
  return parseCanonical(bytes, name, kind, shape) as BundleNeed
}
