import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { Call } from '../../../lib/call.ts'
import { readFileBounded } from '../../../lib/files/read.ts'
import { maxReceiptSize, parseNeed, parseReceipt, type ReceiptCheck } from '../../../plan/bundle/receipt.ts'
import type { BundleHistory } from '../../../usecases/bundle/create/request.ts'
import type { Context } from '../../wiring/context.ts'
import { readInput } from '../bundle-input.ts'
import { openBundle } from '../read-bundle.ts'
import { receiptCheckOf } from '../receipt-keys.ts'
import { checkSignature, keysOf } from '../verify-bundle.ts'

/**
 * Reads what the destination has: from the receipt of its last bundle, or from the beginning of
 * that bundle itself. Content that a list of needed content names is missing there.
 * @param keyFiles `--key`: one of them must have signed the receipt or the bundle
 * @throws `not-found`, `io`, `malformed`, `corrupt`; `refused` for a list of another bundle, and
 * for a signature that is not valid.
 */
export async function readHistory(
  since: string,
  need: string | undefined,
  keyFiles: readonly string[],
  context: Context,
  call: Call,
): Promise<BundleHistory> {
  const warn = (text: string): void => call.notify({ kind: 'warning', text })
  const history = (await isJson(since))
    ? await historyOfReceipt(
        since,
        await receiptCheckOf({ keyFiles, isRequired: keyFiles.length > 0, warn }, context),
      )
    : await historyOfBundle(since, keyFiles, context, call)
  if (need === undefined) return history
  const { missing, bundle } = parseNeed(await read(need), need)
  if (bundle.sequence !== history.base.sequence + 1) {
    throw new DrayError('refused', `${need} does not belong to the bundle that follows ${since}`, {
      subject: need,
      why: `it is about bundle ${bundle.sequence}, and the new bundle is ${history.base.sequence + 1}`,
      hint: `Name the bundle or receipt ${bundle.sequence - 1} with --since.`,
    })
  }
  const lacking = new Set(missing.map(({ digest }) => digest))
  const received = [...history.received].filter(([digest]) => !lacking.has(digest))
  return { ...history, received: new Map(received) }
}

async function historyOfReceipt(file: string, check: ReceiptCheck): Promise<BundleHistory> {
  const { bundle, roots, present } = parseReceipt(await read(file), file, check)
  return {
    base: { id: bundle.id, sequence: bundle.sequence, by: 'receipt' },
    roots,
    received: new Map(present.map(({ digest, repository }) => [digest, repository])),
  }
}

/** Only the document is read, which comes before the content. */
async function historyOfBundle(
  file: string,
  keyFiles: readonly string[],
  context: Context,
  call: Call,
): Promise<BundleHistory> {
  const opened = await openBundle(readInput(file), file, call)
  await opened.close()
  if (keyFiles.length > 0) checkSignature(opened, await keysOf(keyFiles, context), true, file)
  const { id, sequence, roots, carries, expects } = opened.document
  return {
    base: { id, sequence, by: 'bundle' },
    roots,
    received: new Map([...carries, ...expects].map(({ digest, repository }) => [digest, repository])),
  }
}

/** A receipt begins with a brace, a tar with the name of its first file. */
async function isJson(file: string): Promise<boolean> {
  try {
    for await (const chunk of readInput(file)) return chunk[0] === '{'.charCodeAt(0)
    return false
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw error.with({ message: `cannot read ${file}`, cause: error })
  }
}

async function read(file: string): Promise<Uint8Array> {
  const bytes = await readFileBounded(file, maxReceiptSize)
  if (bytes !== undefined) return bytes
  throw new DrayError('not-found', `cannot read ${file}`, { subject: file, why: 'the file does not exist' })
}
