import type { Call } from '../../lib/call.ts'
import { type BundleSummary, summaryOf } from '../../plan/bundle/bundle-summary.ts'
import type { PublicKey } from '../../signing/dsse.ts'
import { parseBundleSignature, verifyBundleSignature } from '../../usecases/bundle/bundle-signature.ts'
import type { Context } from '../wiring/context.ts'
import { keepHeapSmall } from '../wiring/small-heap.ts'
import { bundleName, readInput } from './bundle-input.ts'
import { type OpenedBundle, openBundle } from './read-bundle.ts'

/** A key with the name of its owner. */
export interface BundleKey extends PublicKey {
  readonly owner: string
}

export interface BundleVerification {
  /** `--key`: files of public keys. If there are any, one of them must have signed the bundle. */
  readonly keyFiles: readonly string[]
  /** bytes that were verified, and those of the whole content */
  readonly onProgress: (done: number, all: number) => void
}

/**
 * Verifies a whole bundle without a registry: the tar, the document, its signature, and the digest
 * of everything that it carries.
 * @param file `-` for stdin
 * @throws `corrupt`, `malformed`, `unsupported`, `not-found`, `io`; `refused` for a file that a
 * bundle must not have and for a signature that is not valid; `config` for a key.
 */
export async function verifyBundle(
  file: string,
  { keyFiles, onProgress }: BundleVerification,
  context: Context,
  call: Call,
): Promise<BundleSummary> {
  keepHeapSmall()
  const keys = await keysOf(keyFiles, context)
  const name = bundleName(file)
  let size = 0
  const opened = await openBundle(
    counted(readInput(file), (bytes) => (size += bytes)),
    name,
    call,
  )
  try {
    const found = checkSignature(opened, keys, keyFiles.length > 0, name)
    const { carries } = opened.document
    const all = carries.reduce((sum, content) => sum + content.size, 0)
    let done = 0
    for await (const { bytes } of opened.contents) {
      for await (const chunk of bytes) onProgress((done += chunk.byteLength), all)
    }
    return summaryOf(file, opened.document, { ...found, size })
  } finally {
    await opened.close()
  }
}

export function checkSignature(
  { documentBytes, signature }: OpenedBundle,
  keys: readonly BundleKey[],
  isRequired: boolean,
  name: string,
): Pick<BundleSummary, 'signature'> & { readonly signedBy?: string } {
  if (signature === undefined && !isRequired) return { signature: 'none' }
  if (signature !== undefined && keys.length === 0) {
    parseBundleSignature(documentBytes, signature, name)
    return { signature: 'signed' }
  }
  const { owner } = verifyBundleSignature(documentBytes, signature, keys, name)
  return { signature: 'verified', signedBy: owner }
}

/**
 * Returns the keys of `--key`; without `--key`, those of the signers and of `audit.sign` in
 * `dray.yaml`.
 * @throws `config`, `io`.
 */
export async function keysOf(files: readonly string[], context: Context): Promise<readonly BundleKey[]> {
  if (files.length > 0) {
    const { loadTrustedKey } = await import('../../signing/trust/trusted-key.ts')
    return await Promise.all(files.map(async (file) => ({ ...(await loadTrustedKey(file)), owner: file })))
  }
  const { trust, audit } = (await context.config()).config
  const own = audit.sign === undefined ? undefined : await context.signingKey()
  const { publicHalf } = await import('../../signing/signing-keys.ts')
  return [
    ...(own === undefined ? [] : [{ ...publicHalf(own), owner: 'audit.sign.key' }]),
    ...(trust === undefined ? [] : await keysOfSigners(context)),
  ]
}

/** Expired keys verify nothing. */
async function keysOfSigners(context: Context): Promise<readonly BundleKey[]> {
  const loaded = await context.config()
  const { trust } = loaded.config
  if (trust === undefined) return []
  const { readTrust } = await import('../gates/trust/read-trust.ts')
  const names = { signers: new Set(trust.signers.keys()), groups: new Set<string>() }
  const { signers } = await readTrust(trust, names, loaded.file ?? '')
  const read = [...signers.values()]
  const issues = read.flatMap((one) => one.issues)
  if (issues.length > 0) throw loaded.mistakes(issues)
  const now = context.clock.now()
  return read.flatMap(({ signer }) =>
    signer.keys
      .filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt)
      .map((key) => ({ ...key, owner: signer.name })),
  )
}

async function* counted(
  input: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of input) {
    onBytes(chunk.byteLength)
    yield chunk
  }
}
