import { dirname } from 'node:path'
import type { KeylessConfig, SignerConfig } from '../../../config/gates/gate.ts'
import type { Path } from '../../../config/key-path.ts'
import type { Issue } from '../../../config/shape.ts'
import { isDrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { updateCommand } from '../../../signing/keyless/trusted-root.ts'
import { loadTrustedSigner } from '../../../signing/trust/load-signer.ts'
import type { LoadedSigner, SignerSource, TrustedSigner } from '../../../signing/trust/signer.ts'
import { mistakeOf } from './mistake-of.ts'

/** A signer whose files were read, with a mistake for each one that cannot be used. */
export interface ReadSigner {
  readonly signer: TrustedSigner
  /** of its keys and its root */
  readonly bytes: readonly Digest[]
  readonly issues: readonly Issue[]
}

/**
 * Reads the keys and the trusted root of a signer, one by one, so that each mistake has a position.
 * With mistakes, the signer is incomplete.
 * @param name of an approver `GROUP/PERSON`
 * @param configFile absolute
 */
export async function readSignerFiles(
  name: string,
  { keys, keyless, path }: SignerConfig,
  configFile: string,
): Promise<ReadSigner> {
  const load = async (source: SignerSource, at: Path): Promise<Part> =>
    await loadPart(name, source, at, dirname(configFile))
  const parts = await Promise.all([
    ...keys.map(async (key, i) => [await load({ keys: [key] }, [...path, 'keys', i])]),
    ...(keyless === undefined ? [] : [loadKeyless(keyless, [...path, 'keyless'], load)]),
  ])
  const loaded = parts.flat().flatMap((part) => ('issue' in part ? [] : [part]))
  const found = loaded.find((one) => one.keyless !== undefined)?.keyless
  return {
    signer: {
      name,
      keys: loaded.flatMap((one) => one.keys),
      ...(found !== undefined && { keyless: found }),
    },
    bytes: loaded.flatMap((one) => one.bytes),
    issues: parts.flat().flatMap((part) => ('issue' in part ? [part.issue] : [])),
  }
}

type Part = LoadedSigner | { readonly issue: Issue }

/** If a root and a claim have mistakes, that of the root comes first. */
async function loadKeyless(
  keyless: KeylessConfig,
  path: Path,
  load: (source: SignerSource, at: Path) => Promise<Part>,
): Promise<readonly Part[]> {
  const withClaims = (claims: KeylessConfig['claims']): SignerSource => ({
    keys: [],
    keyless: { ...keyless, claims },
  })
  const whole = await load(withClaims(keyless.claims), path)
  if (!('issue' in whole)) return [whole]
  const ofRoot = await load(withClaims({}), [...path, 'trustedRoot'])
  if ('issue' in ofRoot) return [ofRoot]
  const ofClaims = await Promise.all(
    Object.entries(keyless.claims).map(
      async ([name, value]) => await load(withClaims({ [name]: value }), [...path, 'claims', name]),
    ),
  )
  const wrong = ofClaims.filter((part) => 'issue' in part)
  return wrong.length > 0 ? wrong : [whole]
}

/** The fix for a file that is missing or cannot be read. */
function hintFor({ keyless }: SignerSource): string {
  return keyless === undefined
    ? 'Put the public key of the signer into the file, in PEM.'
    : `Write the file: ${updateCommand(keyless.trustedRoot)}.`
}

async function loadPart(name: string, source: SignerSource, path: Path, folder: string): Promise<Part> {
  try {
    return await loadTrustedSigner(name, source)
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    const { hint = hintFor(source) } = thrown
    return { issue: mistakeOf(thrown.with({ hint }), path, folder) }
  }
}
