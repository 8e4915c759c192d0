import { join, resolve } from 'node:path'
import { readHead } from '../../../audit/log/head.ts'
import { writeFileAtomic } from '../../../lib/files/atomic.ts'
import { readFileBounded } from '../../../lib/files/read.ts'
import { DrayError } from '../../../lib/errors.ts'
import { digestOf, encodedOf } from '../../../oci/digest.ts'
import type { BundleReceipt } from '../../../plan/bundle/bundle-document.ts'
import { formatReceipt, maxReceiptSize, parseReceipt } from '../../../plan/bundle/receipt.ts'
import type { Context } from '../../wiring/context.ts'
import { type ReceiptTrust, receiptCheckOf } from '../receipt-keys.ts'
import { findPrivateFolder } from '../../wiring/private-folders.ts'

/**
 * Returns the last receipt of a destination: that of `--base`, or the one that dray keeps in the
 * user's state folder. Undefined if there is none. Its signature is verified.
 * @throws `not-found`, `malformed`, `refused`, `io`.
 */
export async function readBase(
  file: string | undefined,
  destination: string,
  trust: Omit<ReceiptTrust, 'isRequired'>,
  context: Context,
): Promise<BundleReceipt | undefined> {
  const path = file === undefined ? stateFile(destination, context, false) : resolve(context.cwd, file)
  const bytes = await readFileBounded(path, maxReceiptSize)
  if (bytes !== undefined) {
    // The own receipt may be older than the key. Where dray signs, a given one without a signature
    // was edited.
    const { sign } = (await context.config()).config.audit
    const isRequired = file !== undefined && sign !== undefined
    return parseReceipt(bytes, file ?? path, await receiptCheckOf({ ...trust, isRequired }, context))
  }
  if (file === undefined) return undefined
  throw new DrayError('not-found', `the receipt ${file} does not exist`, { subject: file })
}

/**
 * Writes a receipt to its file and to the user's state folder, signed if `audit.sign.key` is set.
 * @throws `io`, `config`.
 */
export async function writeReceipt(path: string, receipt: BundleReceipt, context: Context): Promise<void> {
  const key = await context.signingKey()
  const { signReceipt } = await import('../../../audit/attestation/receipt-signature.ts')
  const text = formatReceipt(receipt, key === undefined ? undefined : signReceipt(receipt, key))
  await writeFileAtomic(path, text)
  await writeFileAtomic(stateFile(receipt.destination, context, true), text, { mode: 0o600 })
}

/** The last record of the audit log; undefined: the log is empty. @throws `io`. */
export async function auditHeadOf(log: string): Promise<BundleReceipt['auditHead']> {
  const head = await readHead(log)
  if (typeof head === 'string' || head.seq === 0 || head.hash === null) return undefined
  return { seq: head.seq, hash: head.hash }
}

function stateFile(destination: string, { env }: Context, create: boolean): string {
  const folder = findPrivateFolder('state', ['bundles'], env, { create })
  return join(folder, `${encodedOf(digestOf(destination))}.json`)
}
