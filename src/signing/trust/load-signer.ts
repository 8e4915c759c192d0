import { DrayError, isDrayError } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import type { LinearRegExp } from '../../lib/linear-regexp.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { nearest } from '../../lib/nearest.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { type ClaimName, fulcioClaims, isClaimName } from '../keyless/fulcio-claims.ts'
import type { KeylessTrust, LoadedSigner, SignerSource } from './signer.ts'
import { parseTrustedKey } from './trusted-key.ts'
import { parseTrustedRoot } from '../keyless/trusted-root.ts'

const maxKeySize = 64 * 1024
/** The root of the public instance has 10 KiB. */
const maxRootSize = 4 * 1024 * 1024

/**
 * Reads the keys and roots of a signer.
 * @throws `config` for a file that is missing, unreadable or not a public key or trusted root; for
 * an expression that does not compile; for an unknown claim.
 */
export async function loadTrustedSigner(name: string, source: SignerSource): Promise<LoadedSigner> {
  const files = await Promise.all(source.keys.map(({ file }) => readTrustFile(file, 'key', maxKeySize)))
  const keys = source.keys.map(({ file, expires }, i) => parseTrustedKey(files[i]?.text ?? '', file, expires))
  const keyless = source.keyless === undefined ? undefined : await loadKeyless(source.keyless)
  return {
    name,
    keys,
    ...(keyless !== undefined && { keyless: keyless.trust }),
    bytes: [...files, ...(keyless === undefined ? [] : [keyless])].map(({ digest }) => digest),
  }
}

async function loadKeyless(
  source: NonNullable<SignerSource['keyless']>,
): Promise<{ readonly trust: KeylessTrust; readonly digest: Digest }> {
  const { issuer, subject, subjectRegExp, transparencyLog, trustedRoot } = source
  if (subject === undefined && subjectRegExp === undefined)
    throw new DrayError('config', 'keyless needs subject or subjectRegExp')
  const { text, digest } = await readTrustFile(trustedRoot, 'trusted root', maxRootSize)
  const trust = {
    issuer,
    ...(subject !== undefined && { subject }),
    ...(subjectRegExp !== undefined && { subjectRegExp: await compile(subjectRegExp) }),
    claims: knownClaims(source.claims),
    transparencyLog,
    roots: parseTrustedRoot(text, trustedRoot, transparencyLog),
    file: trustedRoot,
  }
  return { trust, digest }
}

async function readTrustFile(
  file: string,
  what: string,
  maxBytes: number,
): Promise<{ readonly text: string; readonly digest: Digest }> {
  let bytes: Uint8Array | undefined
  try {
    bytes = await readFileBounded(file, maxBytes)
  } catch (error) {
    if (!isDrayError(error) || (error.code !== 'io' && error.code !== 'malformed')) throw error
    throw error.with({
      code: 'config',
      message: `cannot read the ${what}`,
      subject: file,
      why: error.why ?? error.message,
    })
  }
  if (bytes === undefined)
    throw new DrayError('config', `the file of the ${what} does not exist`, { subject: file })
  return { text: Buffer.from(bytes).toString('utf8'), digest: digestOf(bytes) }
}

async function compile(source: string): Promise<LinearRegExp> {
  const { LinearRegExp: engine } = await import('../../lib/linear-regexp.ts')
  try {
    return engine.parse(source)
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw error.with({
      code: 'config',
      hint: 'Use the syntax of RE2, without look-around and back references. The expression must match the whole subject.',
    })
  }
}

function knownClaims(claims: Readonly<Record<string, string>>): KeylessTrust['claims'] {
  const known: Partial<Record<ClaimName, string>> = {}
  for (const [name, value] of Object.entries(claims)) {
    if (!isClaimName(name)) throw unknownClaim(name)
    known[name] = value
  }
  return known
}

function unknownClaim(name: string): DrayError {
  const names = Object.keys(fulcioClaims)
  const near = nearest(name, names)
  return new DrayError('config', `there is no claim ${JSON.stringify(name)}`, {
    hint: near === undefined ? `Use one of ${joinFirst(names, names.length)}.` : `Use ${near}.`,
  })
}
