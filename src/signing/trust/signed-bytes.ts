import { type Envelope, preAuthEncoding } from '../dsse.ts'

/** Bytes with the signatures over them. */
export interface SignedBytes {
  readonly bytes: Uint8Array
  readonly signatures: readonly Uint8Array[]
  /** what entries of a transparency log have the hash of: the payload of an envelope */
  readonly payload: Uint8Array
  /** what a signed timestamp of a certificate's signature is about */
  readonly timestamped: Uint8Array
}

/** A timestamp in a bundle is about the signature itself. */
export function signedBytesOf(
  { payloadType, payload, signatures }: Envelope,
  timestamped: Uint8Array | undefined = signatures[0]?.sig,
): SignedBytes {
  return {
    bytes: preAuthEncoding(payloadType, payload),
    signatures: signatures.map(({ sig }) => sig),
    payload,
    timestamped: timestamped ?? new Uint8Array(),
  }
}
