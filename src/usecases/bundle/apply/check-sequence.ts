import { DrayError } from '../../../lib/errors.ts'
import type { BundleDocument, BundleReceipt } from '../../../plan/bundle/bundle-document.ts'

/**
 * Checks that a bundle follows what a destination has: pure. Any bundle follows itself. A full
 * bundle replaces another full one. After increments it may be older than they are, and moves tags
 * back then.
 * @param mayBeOlder a full bundle also follows increments
 * @param receipt the last receipt of the destination; undefined: there is none, and dray can check
 * only the content that the bundle expects
 * @param destination as in receipts
 * @throws `refused`.
 */
export function checkSequence(
  { id, sequence, base }: BundleDocument,
  receipt: BundleReceipt | undefined,
  destination: string,
  mayBeOlder: boolean,
): void {
  if (receipt === undefined) return
  if (receipt.destination !== destination) {
    throw new DrayError('refused', `the receipt is not of ${destination}`, {
      why: `it is of ${receipt.destination}`,
      hint: `Pass the receipt of ${destination} with --base.`,
    })
  }
  const has = receipt.bundle
  if (has.id === id || base?.id === has.id) return
  if (base === undefined) {
    if (mayBeOlder || has.sequence <= sequence) return
    throw new DrayError(
      'refused',
      `the full bundle can be older than bundle ${has.sequence} of ${destination}`,
      {
        subject: id,
        why: 'dray cannot compare their ages, and an older bundle moves tags back',
        hint: 'To apply it anyway, pass --allow-older.',
      },
    )
  }
  if (base.sequence > has.sequence) throw missing(sequence, base.sequence, has.sequence, destination)
  throw new DrayError(
    'refused',
    `bundle ${sequence} does not follow bundle ${has.sequence} of ${destination}`,
    {
      subject: id,
      why:
        base.sequence < has.sequence
          ? `it was made for a destination with bundle ${base.sequence}`
          : `it follows another bundle ${base.sequence}: ${base.id}; the destination has ${has.id}`,
      hint: 'Create a bundle from the newest receipt of the destination: dray bundle create --since RECEIPT.',
    },
  )
}

function missing(sequence: number, base: number, has: number, destination: string): DrayError {
  const numbers = Array.from({ length: Math.min(base - has, 10) }, (_, i) => has + 1 + i)
  const names = `${numbers.length === 1 ? 'bundle' : 'bundles'} ${numbers.join(', ')}`
  return new DrayError('refused', `${destination} lacks ${names}`, {
    why: `it has bundle ${has}, and bundle ${sequence} follows bundle ${base}`,
    hint: `Apply ${names} first. If you do not have ${numbers.length === 1 ? 'it' : 'them'}, create an increment with dray bundle create --since RECEIPT, or a full bundle.`,
  })
}
