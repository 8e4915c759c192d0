import * as v from 'valibot'
import { digestOf } from '../../oci/digest.ts'
import { canonicalJson } from '../canonical-json.ts'
import { checkBundleConsistency, invalidBundle } from './bundle-consistency.ts'
import type { BundleDocument } from './bundle-document.ts'
import { bundleBase, bundleRoot, bundleTag, content, createdAt, hash, sequence } from './bundle-shapes.ts'
import { parseCanonical } from './parse-canonical.ts'

/** The largest document that dray reads, bytes: some 300,000 blobs. */
export const maxDocumentSize: number = 64 * 1024 * 1024

function createShape(): v.GenericSchema {
  return v.strictObject({
    schema: v.literal('dray.bundle/1'),
    id: hash,
    sequence,
    base: v.exactOptional(bundleBase),
    roots: v.array(bundleRoot),
    carries: v.array(content),
    expects: v.array(content),
    deletes: v.array(bundleTag),
    createdAt,
  })
}

/**
 * Adds the id, the hash of the rest.
 * @throws `internal` if the document is not consistent.
 */
export function withBundleId(rest: Omit<BundleDocument, 'id' | 'schema'>): BundleDocument {
  const document = { schema: 'dray.bundle/1', ...rest } as const
  const complete = { ...document, id: digestOf(canonicalJson(document)) }
  checkBundleConsistency(complete, 'the new bundle')
  return complete
}

export function formatBundleDocument(document: BundleDocument): Uint8Array {
  return Buffer.from(canonicalJson(document))
}

/**
 * Parses `dray-bundle.json`. Its id shows an edit by hand; only a signature protects against a
 * person who computes a new id.
 * @param name of the bundle, for messages
 * @throws `malformed` for anything that dray does not write; `unsupported` for another version.
 */
export function parseBundleDocument(bytes: Uint8Array, name: string): BundleDocument {
  const kind = {
    schema: 'dray.bundle/1',
    noun: 'a bundle document',
    hint: 'Create the bundle again with dray bundle create.',
    end: '',
  } as const
  const document = parseCanonical(bytes, name, kind, createShape()) as BundleDocument
  const { id, ...rest } = document
  if (digestOf(canonicalJson(rest)) !== id) throw invalidBundle(name, 'its id does not match its content')
  checkBundleConsistency(document, name)
  return document
}
