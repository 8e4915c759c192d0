import * as v from 'valibot'
import { canonicalJson } from '../canonical-json.ts'
import { natural } from '../shapes.ts'
import type { BundleNeed, BundleReceipt } from './bundle-document.ts'
import { bundleName, bundleRoot, content, hash } from './bundle-shapes.ts'
import { parseCanonical } from './parse-canonical.ts'

/** The largest receipt or need document that dray reads, bytes. */
export const maxReceiptSize: number = 64 * 1024 * 1024

/** Formats a receipt: canonical JSON, with a line break. */
export function formatReceipt(receipt: BundleReceipt): string {
  return `${canonicalJson(receipt)}\n`
}

export function formatNeed(need: BundleNeed): string {
  return `${canonicalJson(need)}\n`
}

/** @throws `malformed`; `unsupported` for another version. */
export function parseReceipt(bytes: Uint8Array, name: string): BundleReceipt {
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
  })
  return parseCanonical(bytes, name, kind, shape) as BundleReceipt
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
