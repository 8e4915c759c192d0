import { isDeepStrictEqual } from 'node:util'
import { assert, asyncProperty, nat } from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { LinearRegExp } from '../../../src/lib/linear-regexp.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { KeylessTrust } from '../../../src/signing/trust/signer.ts'
import { verifyBundle } from '../../../src/signing/trust/verify-bundle.ts'
import { verifyDsseLayer } from '../../../src/signing/trust/verify-dsse-layer.ts'
import { verifySimpleSigning } from '../../../src/signing/trust/verify-simple-signing.ts'
import { certificateLog, defaultIssuer, defaultSubject, ecKeys } from '../../support/signing/certificates.ts'
import {
  bytesOf,
  contextOf,
  image,
  keyBundle,
  keylessSigner,
  keySigner,
  signatureStatement,
  signersIn,
  simplePayload,
  statementOf,
} from '../../support/signing/signed.ts'
import {
  type BundleJson,
  type BundleOptions,
  SigstoreInstance,
} from '../../support/signing/sigstore-instance.ts'

let instance: SigstoreInstance
let stranger: SigstoreInstance
beforeAll(async () => {
  instance = await SigstoreInstance.start()
  stranger = await SigstoreInstance.start('stranger.test')
})

const statement = signatureStatement()
const minutes = (count: number): number => count * 60_000

function contextFor(over: Partial<KeylessTrust> = {}, roots: readonly unknown[] = [instance.root()]) {
  return contextOf([keylessSigner(roots, over)])
}

const verify = (bundle: unknown, context = contextFor()) =>
  verifyBundle(bytesOf(bundle), 'the bundle', context)
const sign = (options?: BundleOptions) => instance.bundle(statement, options)

/** The log entry of a bundle, to be changed. */
function entryOf({ verificationMaterial: { tlogEntries = [] } }: BundleJson) {
  const [entry] = tlogEntries
  if (entry === undefined) throw new Error('the bundle has no log entry')
  return entry
}

async function problemOf(bundle: unknown, context = contextFor()): Promise<string> {
  const { signers, problems } = await verify(bundle, context)
  expect(signers).toEqual([])
  expect(problems).toHaveLength(1)
  return problems[0] ?? ''
}

describe('a keyless bundle', () => {
  it.each(['0.1', '0.2', '0.3'] as const)('v%s verifies with identity and logged time', async (version) => {
    expect(await verify(await sign({ version }))).toEqual({
      content: { kind: 'signature', digests: [image], annotations: {} },
      signers: [
        {
          signer: 'build',
          identity: { kind: 'certificate', subject: defaultSubject, issuer: defaultIssuer },
          time: instance.at,
        },
      ],
      problems: [],
    })
  })

  it.each(['P-256', 'P-384'])('verifies with a key of %s', async (curve) => {
    expect(signersIn(await verify(await sign({ leaf: { keys: ecKeys(curve) } })))).toEqual(['build'])
  })

  it('whose certificate has expired since verifies, because the logged time decides', async () => {
    const context = { ...contextFor(), now: instance.at + minutes(60 * 24 * 300) }
    expect(signersIn(await verify(await sign(), context))).toEqual(['build'])
  })

  it('contains an attestation with any other predicate type', async () => {
    const slsa = statementOf('https://slsa.dev/provenance/v1', { builder: 'x' })
    expect(await verify(await instance.bundle(slsa))).toMatchObject({
      content: { kind: 'statement', predicateType: 'https://slsa.dev/provenance/v1', digests: [image] },
      signers: [{ signer: 'build' }],
    })
  })

  it('verifies with a timestamp beside its log entry, and the earlier time counts', async () => {
    const { signers } = await verify(await sign({ withTimestamp: true }))
    expect(signers).toMatchObject([{ signer: 'build', time: instance.at }])
  })

  it('verifies with the one document of a .jsonl file that knows its CA and logs', async () => {
    const roots = [stranger.root(), instance.root()]
    expect(signersIn(await verify(await sign(), contextFor({}, roots)))).toEqual(['build'])
  })

  it('does not count for a key of the same signer', async () => {
    const signer = { ...keylessSigner([instance.root()]), keys: keySigner('build', [ecKeys()]).keys }
    expect(signersIn(await verify(await sign(), contextOf([signer])))).toEqual(['build'])
    expect(await verify(keyBundle(statement, ecKeys()), contextOf([signer]))).toMatchObject({ signers: [] })
  })
})

describe('a keyless signature in an older layout', () => {
  const payload = simplePayload(image, { optional: { channel: 'release' } })

  it('verifies as simple signing', async () => {
    const annotations = await instance.simpleSigning(payload)
    expect(await verifySimpleSigning(Buffer.from(payload), annotations, 'it', contextFor())).toEqual({
      content: { kind: 'signature', digests: [image], annotations: { channel: 'release' } },
      signers: [
        {
          signer: 'build',
          identity: { kind: 'certificate', subject: defaultSubject, issuer: defaultIssuer },
          time: instance.at,
        },
      ],
      problems: [],
    })
  })

  it('verifies as simple signing with a key of P-384', async () => {
    const annotations = await instance.simpleSigning(payload, { leaf: { keys: ecKeys('P-384') } })
    const verdict = await verifySimpleSigning(Buffer.from(payload), annotations, 'it', contextFor())
    expect(signersIn(verdict)).toEqual(['build'])
  })

  it('verifies as an attestation', async () => {
    const { bytes, annotations } = await instance.dsseLayer(statementOf('https://example.com/scan', {}))
    expect(await verifyDsseLayer(bytes, annotations, 'it', contextFor())).toMatchObject({
      content: { kind: 'statement', predicateType: 'https://example.com/scan' },
      signers: [{ signer: 'build' }],
      problems: [],
    })
  })

  it('verifies with a signed timestamp alone if no log is required', async () => {
    const options = { withLog: false, withTimestamp: true }
    const context = contextFor({ transparencyLog: 'none' })
    const annotations = await instance.simpleSigning(payload, options)
    const signature = await verifySimpleSigning(Buffer.from(payload), annotations, 'it', context)
    expect(signersIn(signature)).toEqual(['build'])
    for (const timestampOf of ['signature', 'layer'] as const) {
      const layer = await instance.dsseLayer(statement, { ...options, timestampOf })
      const attestation = await verifyDsseLayer(layer.bytes, layer.annotations, 'it', context)
      expect(signersIn(attestation)).toEqual(['build'])
    }
  })

  it.each([
    ['no log entry', 'dev.sigstore.cosign/bundle', undefined, 'it has no entry of a transparency log'],
    ['a log entry that is not JSON', 'dev.sigstore.cosign/bundle', '{', 'the log entry is not JSON'],
    ['an empty log entry', 'dev.sigstore.cosign/bundle', '{}', 'Payload is not an object'],
    [
      'a timestamp that is none',
      'dev.sigstore.cosign/rfc3161timestamp',
      '{}',
      'SignedRFC3161Timestamp is missing',
    ],
    ['a certificate that is none', 'dev.sigstore.cosign/certificate', 'x', 'cannot parse the certificate'],
    ['no certificate', 'dev.sigstore.cosign/certificate', undefined, 'and no signer has one'],
  ])('with %s does not verify', async (_, name, value, problem) => {
    const annotations = await instance.simpleSigning(payload)
    if (value === undefined) delete annotations[name]
    else annotations[name] = value
    const verdict = await verifySimpleSigning(Buffer.from(payload), annotations, 'it', contextFor())
    expect(verdict).toMatchObject({ signers: [], problems: [expect.stringContaining(problem)] })
  })

  it('with the log entry of another signature does not verify', async () => {
    const annotations = await instance.simpleSigning(payload)
    const other = await instance.simpleSigning(simplePayload(digestOf('other')))
    const name = 'dev.sigstore.cosign/bundle'
    const mixed = { ...annotations, [name]: other[name] ?? '' }
    const verdict = await verifySimpleSigning(Buffer.from(payload), mixed, 'it', contextFor())
    expect(verdict.problems).toEqual([
      'it is signed with a certificate that does not verify: signature mismatch',
    ])
  })
})

describe('a keyless bundle does not verify', () => {
  it('without a log entry', async () => {
    expect(await problemOf(await sign({ withLog: false, withTimestamp: true }))).toBe(
      'the bundle is signed with a certificate that does not verify: it has no entry of a transparency log',
    )
  })

  it('with the log entry of another signature', async () => {
    const bundle = await sign()
    bundle.verificationMaterial.tlogEntries = [
      entryOf(await instance.bundle(signatureStatement(digestOf('x')))),
    ]
    expect(await problemOf(bundle)).toContain('tlog entry signature mismatch')
  })

  it.each([-20, 20])('with a time that was moved by %d minutes', async (by) => {
    const bundle = await sign()
    const entry = entryOf(bundle)
    entry.integratedTime = String(Number(entry.integratedTime) + by * 60)
    expect(await problemOf(bundle)).toContain('does not verify')
  })

  it('with a certificate that was not valid at the logged time', async () => {
    for (const notBefore of [instance.at - minutes(20), instance.at + minutes(20)]) {
      expect(await problemOf(await sign({ leaf: { notBefore } }))).toContain(
        'certificate is not valid or expired',
      )
    }
  })

  it('without an SCT, or with that of an unknown log', async () => {
    expect(await problemOf(await sign({ leaf: { log: null } }))).toContain('expected 1 SCTs, got 0')
    expect(await problemOf(await sign({ leaf: { log: certificateLog() } }))).toMatch(
      /the certificate log [0-9a-f]{64} is unknown to trust\/root.jsonl; update the file: gh attestation trusted-root/,
    )
  })

  it.each([
    ['an inclusion proof', (entry: ReturnType<typeof entryOf>) => delete entry.inclusionProof],
    ['a log', (entry: ReturnType<typeof entryOf>) => void (entry.logId.keyId = 'AAAA')],
    [
      'a promise',
      (entry: ReturnType<typeof entryOf>) => void (entry.inclusionPromise = { signedEntryTimestamp: 'AAAA' }),
    ],
    ['a body', (entry: ReturnType<typeof entryOf>) => void (entry.canonicalizedBody = 'AAAA')],
    [
      'a checkpoint',
      (entry: ReturnType<typeof entryOf>) => {
        if (entry.inclusionProof !== undefined)
          entry.inclusionProof.checkpoint.envelope = 'x\n1\nAAAA\n\n\u2014 x AAAAAAAA\n'
      },
    ],
  ])('if %s of its log entry is missing or replaced', async (_, change) => {
    const bundle = await sign()
    change(entryOf(bundle))
    expect(await problemOf(bundle)).toMatch(/does not verify|tlogEntries\[0\]\.inclusionProof$/)
  })

  it('with the same log entry 17 times', async () => {
    const bundle = await sign()
    bundle.verificationMaterial.tlogEntries = Array.from({ length: 17 }, () => entryOf(bundle))
    expect(await problemOf(bundle)).toBe('the bundle has more than 16 log entries or timestamps')
  })

  it('with a second log entry that is unknown', async () => {
    const bundle = await sign()
    bundle.verificationMaterial.tlogEntries?.push(entryOf(await stranger.bundle(statement)))
    expect(await problemOf(bundle)).toContain('the transparency log')
  })

  it('with two signatures', async () => {
    const bundle = await sign()
    bundle.dsseEnvelope.signatures.push(...bundle.dsseEnvelope.signatures)
    expect(await problemOf(bundle)).toBe('the bundle has a certificate and not exactly one signature')
  })

  it('with a changed statement', async () => {
    const bundle = await sign()
    bundle.dsseEnvelope.payload = Buffer.from(signatureStatement(digestOf('x'))).toString('base64')
    expect(await problemOf(bundle)).toContain('does not verify')
  })

  it('with the signature of another key over the same statement', async () => {
    const bundle = await sign()
    bundle.dsseEnvelope.signatures = keyBundle(statement, ecKeys()).dsseEnvelope.signatures
    expect(await problemOf(bundle)).toContain('does not verify')
  })

  it('with another content, identity or time if any bit of it is changed', async () => {
    const original = bytesOf(await sign({ withTimestamp: true }))
    const { content, signers } = await verifyBundle(original, 'it', contextFor())
    expect(signersIn({ signers, problems: [] })).toEqual(['build'])
    await assert(
      asyncProperty(nat(original.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(original)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const verdict = await verifyBundle(changed, 'it', contextFor())
        const isSame = isDeepStrictEqual(verdict, { content, signers, problems: [] })
        expect(verdict.signers.length === 0 || isSame).toBe(true)
      }),
      { numRuns: 120 },
    )
  })

  it('with a certificate in another encoding', async () => {
    const bundle = await sign()
    const der = Buffer.from(bundle.verificationMaterial.certificate?.rawBytes ?? '', 'base64')
    // The same certificate with a longer form of its length.
    const longer = Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)])
    bundle.verificationMaterial.certificate = { rawBytes: longer.toString('base64') }
    expect(await problemOf(bundle)).toContain('the bundle has an invalid certificate')
  })

  it.each([
    ['no certificate', { verificationMaterial: {} }],
    ['material that is none', { verificationMaterial: { certificate: { rawBytes: 'AAAA' } } }],
    ['log entries that are none', { entries: 'x' }],
  ])('with %s', async (_, over) => {
    const bundle = await sign()
    const changed =
      'entries' in over ? Object.assign(bundle.verificationMaterial, { tlogEntries: [over.entries] }) : over
    expect(await problemOf({ ...bundle, ...('entries' in over ? {} : changed) })).toMatch(/^the bundle/)
  })
})

describe('an identity', () => {
  it.each([
    'https://github.com/acme/api-evil/.github/workflows/release.yml@refs/tags/v1.4.2',
    'https://github.com/acme/api/.github/workflows/release.yml@refs/heads/main',
    'https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1/x',
    `x${defaultSubject}`,
  ])('with the subject %s is no signer', async (subject) => {
    expect(await problemOf(await sign({ leaf: { subject } }))).toBe(
      `the bundle is signed by ${subject} (${defaultIssuer}), which matches no signer: build: the subject does not match https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v*`,
    )
  })

  it.each(['https://token.actions.githubusercontent.com/', 'https://evil.test', 'TOKEN'])(
    'with the right subject of the issuer %s is no signer',
    async (issuer) => {
      expect(await problemOf(await sign({ leaf: { issuer } }))).toContain(
        `build: the issuer is not ${defaultIssuer}`,
      )
    },
  )

  it('belongs to the image of the subject', async () => {
    const context = { ...contextFor(), image: 'web' }
    expect(await problemOf(await sign(), context)).toContain('does not match https://github.com/acme/web/')
  })

  it('matches an expression only as a whole', async () => {
    const context = (source: string) =>
      contextFor({ subject: '**', subjectRegExp: LinearRegExp.parse(source) })
    expect(signersIn(await verify(await sign(), context('https://github.com/acme/api/.*')))).toEqual([
      'build',
    ])
    expect(await problemOf(await sign(), context('https://github.com/acme/api'))).toContain('does not match')
    expect(await problemOf(await sign(), context('.*github.com'))).toContain('does not match')
  })

  it('without a subject in the configuration matches nothing', async () => {
    const { keyless, ...signer } = keylessSigner([instance.root()])
    const { subject: _, ...trust } = keyless ?? { subject: '' }
    const context = contextOf([{ ...signer, keyless: trust as KeylessTrust }])
    expect(await problemOf(await sign(), context)).toContain('the configuration has no subject')
  })

  it('must have each claim with its exact value', async () => {
    const claims = { 11: 'self-hosted', 5: 'acme/api', 14: 'refs/tags/v1.4.2' }
    const context = contextFor({
      claims: { githubWorkflowRepository: 'acme/api', sourceRepositoryRef: 'refs/tags/v1.4.2' },
    })
    expect(signersIn(await verify(await sign({ leaf: { claims } }), context))).toEqual(['build'])
    const hosted = contextFor({ claims: { runnerEnvironment: 'github-hosted' } })
    expect(signersIn(await verify(await sign(), hosted))).toEqual(['build'])
    expect(await problemOf(await sign({ leaf: { claims } }), hosted)).toContain(
      'build: the claim runnerEnvironment is not "github-hosted"',
    )
    expect(await problemOf(await sign({ leaf: { claims: {} } }), hosted)).toContain(
      'the claim runnerEnvironment',
    )
  })

  it('counts for each signer that it matches, and is no problem for the others', async () => {
    const signers = [
      keylessSigner([instance.root()]),
      keylessSigner([instance.root()], { name: 'anything', subject: '**' }),
      keylessSigner([instance.root()], { name: 'other', subject: 'x' }),
      keylessSigner([stranger.root()], { name: 'stranger', subject: '**' }),
    ]
    expect(await verify(await sign(), contextOf(signers))).toMatchObject({
      signers: [{ signer: 'build' }, { signer: 'anything' }],
      problems: [],
    })
  })
})

describe('a trusted root', () => {
  it('without the CA is named with the command that updates it', async () => {
    expect(await problemOf(await stranger.bundle(statement))).toBe(
      'the bundle is signed with a certificate that does not verify: the CA "O=stranger.test, CN=intermediate" is unknown to trust/root.jsonl; update the file: gh attestation trusted-root',
    )
  })

  it('that the library cannot read is named', async () => {
    const [log] = instance.root()['tlogs'] as readonly object[]
    const root = instance.root({ tlogs: [{ ...log, hashAlgorithm: 'MD5' }] })
    expect(await problemOf(await sign(), contextFor({}, [root]))).toContain('the trusted root cannot be read')
  })

  it('without the transparency log is named with the command that updates it', async () => {
    const root = instance.root({ tlogs: stranger.root()['tlogs'] })
    expect(await problemOf(await sign(), contextFor({ file: 'trust/root.json' }, [root]))).toMatch(
      /the transparency log [0-9a-f]{64} is unknown to trust\/root.json; update the file: cosign initialize/,
    )
  })

  it('never lends its CA to the log of another', async () => {
    const [own, other] = [instance.root(), stranger.root()]
    const caOnly = instance.root({ tlogs: other['tlogs'], ctlogs: other['ctlogs'] })
    const logOnly = instance.root({ certificateAuthorities: other['certificateAuthorities'] })
    expect(signersIn(await verify(await sign(), contextFor({}, [caOnly, logOnly])))).toEqual([])
    expect(signersIn(await verify(await sign(), contextFor({}, [caOnly, logOnly, own])))).toEqual(['build'])
  })

  it('whose CA or log had ended before the signature does not verify it', async () => {
    const end = (name: string) => {
      const entries = instance.root()[name] as readonly Record<string, unknown>[]
      const validFor = {
        start: new Date(instance.at - minutes(60)).toISOString(),
        end: new Date(instance.at - minutes(5)).toISOString(),
      }
      const isLog = name.endsWith('logs')
      return {
        [name]: entries.map((entry) =>
          isLog
            ? { ...entry, publicKey: { ...(entry['publicKey'] as object), validFor } }
            : { ...entry, validFor },
        ),
      }
    }
    for (const name of ['certificateAuthorities', 'tlogs', 'ctlogs']) {
      expect(await problemOf(await sign(), contextFor({}, [instance.root(end(name))]))).toContain(
        'does not verify',
      )
    }
  })
})

describe('a signer without a transparency log', () => {
  const without = () => contextFor({ transparencyLog: 'none' })

  it('needs a signed timestamp instead of log entry and SCT', async () => {
    const bundle = await sign({ withLog: false, withTimestamp: true, leaf: { log: null } })
    expect(await verify(bundle, without())).toMatchObject({
      signers: [{ signer: 'build', time: instance.at }],
      problems: [],
    })
    expect(await problemOf(await sign({ withLog: false }), without())).toContain('it has no signed timestamp')
  })

  it('does not take the time of a log entry', async () => {
    expect(await problemOf(await sign(), without())).toContain('it has no signed timestamp')
  })

  it('ignores log entries beside the timestamp', async () => {
    const bundle = await sign({ withTimestamp: true })
    entryOf(bundle).integratedTime = '1'
    expect(signersIn(await verify(bundle, without()))).toEqual(['build'])
  })

  it('does not trust the timestamp of another authority or signature', async () => {
    const bundle = await sign({ withLog: false })
    for (const [authority, bytes] of [
      [stranger, Buffer.from(bundle.dsseEnvelope.signatures[0]?.sig ?? '', 'base64')],
      [instance, Buffer.from('another signature')],
    ] as const) {
      bundle.verificationMaterial.timestampVerificationData = {
        rfc3161Timestamps: [{ signedTimestamp: await authority.timestamp(bytes) }],
      }
      expect(await problemOf(bundle, without())).toContain('timestamp could not be verified')
    }
  })
})
