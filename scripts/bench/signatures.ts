/** Measures the CPU time of one verification, in this process and without loading files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isBundleType } from '../../src/signing/sigstore-bundle.ts'
import { parseTrustedKey } from '../../src/signing/trust/trusted-key.ts'
import { parseTrustedRoot } from '../../src/signing/keyless/trusted-root.ts'
import type { TrustedSigner } from '../../src/signing/trust/signer.ts'
import { verifyBundle } from '../../src/signing/trust/verify-bundle.ts'
import { keyBundle, keyKinds, keySigner, signatureStatement } from '../../test/support/signing/signed.ts'
import { fixtureEvidence, fixturePath } from '../../test/support/gates/cosign-fixtures.ts'
import { median } from './contest.ts'
import { aligned } from './report.ts'

interface SignatureCase {
  readonly name: string
  readonly bundle: Uint8Array
  readonly signer: TrustedSigner
  /** milliseconds of CPU */
  readonly atMost: number
}

export interface SignatureRow {
  readonly name: string
  /** milliseconds of CPU for one verification, the median of all rounds */
  readonly ms: number
  readonly atMost: number
}

const keyMs = 1
/** OpenSSL has no fast arithmetic for this curve. */
const slowestCurve = 'P-521'
const slowestKeyMs = 2
const keylessMs = 20
const rounds = 5
const verificationsPerRound = 40
const fixtures = join(import.meta.dirname, '../../test/fixtures/sigstore')

export async function measureSignatures(report: (text: string) => void): Promise<readonly SignatureRow[]> {
  report('signatures: the CPU time of one verification')
  const rows: SignatureRow[] = []
  for (const one of [...keyCases(), await prehashedCase(), ...(await keylessCases())])
    rows.push(await measure(one))
  report(renderSignatures(rows))
  return rows
}

/** Whether every verification takes at most the time of its goal. */
export function isFast(rows: readonly SignatureRow[]): boolean {
  return rows.every(({ ms, atMost }) => ms <= atMost)
}

function keyCases(): readonly SignatureCase[] {
  return Object.entries(keyKinds).map(([kind, [hash, generate]]) => {
    const keys = generate()
    const bundle = Buffer.from(JSON.stringify(keyBundle(signatureStatement(), keys, hash)))
    const atMost = kind === slowestCurve ? slowestKeyMs : keyMs
    return { name: `key, ${kind}`, bundle, signer: keySigner('build', [keys]), atMost }
  })
}

/** cosign uses the variant of Ed25519 that node:crypto does not have. */
async function prehashedCase(): Promise<SignatureCase> {
  const texts = [...fixtureEvidence('ed25519-new-signed').blobs.values()]
  const bundle = texts.find((bytes) => {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { readonly mediaType?: string }
    return isBundleType(mediaType ?? '')
  })
  if (bundle === undefined) throw new Error('there is no bundle by Ed25519')
  const file = fixturePath('ed25519.pub')
  const key = parseTrustedKey(await readFile(file, 'utf8'), file)
  return { name: 'key, Ed25519 by cosign', bundle, signer: { name: 'build', keys: [key] }, atMost: keyMs }
}

/** Bundles of the public instances: chains of P-384, one SCT, one log entry. */
async function keylessCases(): Promise<readonly SignatureCase[]> {
  const of = async (name: string, bundle: string, root: string): Promise<SignatureCase> => ({
    name,
    bundle: await readFile(join(fixtures, bundle)),
    signer: {
      name: 'build',
      keys: [],
      keyless: {
        issuer: 'https://token.actions.githubusercontent.com',
        subject: '**',
        claims: {},
        transparencyLog: 'required',
        roots: parseTrustedRoot(await readFile(join(fixtures, root), 'utf8'), root, 'required'),
        file: root,
      },
    },
    atMost: keylessMs,
  })
  return [
    await of('keyless, Rekor v1', 'npm-provenance-v0.1.json', 'public-root.json'),
    await of('keyless, Rekor v2 with a timestamp', 'rekor2-v0.3.json', 'staging-root.json'),
  ]
}

async function measure({ name, bundle, signer, atMost }: SignatureCase): Promise<SignatureRow> {
  const context = { signers: [signer], image: 'api', now: Date.now() }
  const samples: number[] = []
  // The first round loads modules and compiles, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < verificationsPerRound; i++) {
      const { signers, problems } = await verifyBundle(bundle, name, context)
      if (signers.length !== 1) throw new Error(`${name} does not verify: ${problems.join()}`)
    }
    const { user, system } = process.cpuUsage(before)
    if (round > 0) samples.push((user + system) / 1000 / verificationsPerRound)
  }
  return { name, ms: median(samples), atMost }
}

function renderSignatures(rows: readonly SignatureRow[]): string {
  const lines = rows.map(({ name, ms, atMost }) => [
    name,
    ms.toFixed(2),
    String(atMost),
    ms <= atMost ? 'met' : 'MISSED',
  ])
  return `${aligned([['', 'CPU ms', 'goal', ''], ...lines])}\n`
}
