import type { ReceiptCheck } from '../../plan/bundle/receipt.ts'
import type { Context } from '../wiring/context.ts'
import { keysOf } from './verify-bundle.ts'

export interface ReceiptTrust {
  /** `--key` */
  readonly keyFiles: readonly string[]
  /** a receipt without a signature is refused */
  readonly isRequired: boolean
  readonly warn: (text: string) => void
}

/**
 * Returns the check of the signature of a receipt, by the keys of `--key` and those in `dray.yaml`.
 * A signature must be of one of them. If no key is known, the check only warns.
 * @throws `config`, `io`.
 */
export async function receiptCheckOf(
  { keyFiles, isRequired, warn }: ReceiptTrust,
  context: Context,
): Promise<ReceiptCheck> {
  const given = keyFiles.length === 0 ? [] : await keysOf(keyFiles, context)
  const keys = [...given, ...(await keysOf([], context))]
  const { receiptCheck } = await import('../../audit/attestation/receipt-signature.ts')
  const check = receiptCheck(keys)
  return (canonical, signature, name) => {
    if (signature === undefined && !isRequired) return
    if (keys.length > 0) check(canonical, signature, name)
    else
      warn(
        `the signature of ${name} was not verified, because no key is known; pass the public key with --key`,
      )
  }
}
