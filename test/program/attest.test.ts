import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { type Content, image, referrer, together } from '../support/images.ts'
import { tools } from '../support/tools.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const cosign = tools('cosign', 'openssl')
const api = image({ label: 'api', layers: 3 })
const sbom = referrer(api)
const content = together(api, sbom)
const digest = api.root.digest

interface Said {
  readonly attest?: boolean
  readonly require?: readonly string[]
  readonly sign?: boolean
  readonly profile?: ProfileName
  /** what is in staging, where it is not the image with its SBOM */
  readonly image?: Content
}

interface Place {
  readonly registry: WatchedRegistry
  readonly here: Workplace
  /** digests of the attestations at prod */
  attestations(): Promise<readonly string[]>
}

/** staging and prod in one registry, and `api:1.4.2` with an SBOM in staging. */
async function place({
  attest,
  require,
  sign,
  profile = 'oci-1.1',
  image: pushed = content,
}: Said = {}): Promise<Place> {
  const registry = await watchedRegistry(profile)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  await registry.oracle.push(pushed, 'staging/api', '1.4.2')
  const at = { registry: registry.host }
  const prod = { ...at, path: 'prod/{image}', promoteFrom: ['staging'], attest, require }
  const here = await workplace(
    JSON.stringify({
      version: 1,
      environments: { staging: { ...at, path: 'staging/{image}' }, prod },
      ...(sign === true && { audit: { sign: { key: 'key.pem' } } }),
    }),
  )
  const { privateKey } = generateKeyPairSync('ed25519')
  if (sign === true)
    await writeFile(join(here.folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  registry.forget()
  return {
    registry,
    here,
    attestations: async () => {
      const listed = await registry.oracle.referrers('prod/api', digest)
      return listed.filter((one) => one !== sbom.root.digest)
    },
  }
}

/** As a person makes one: `key.pem`, and its public half `key.pub.pem`. */
function makeKey(folder: string): void {
  const openssl = (...words: readonly string[]): void =>
    void execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'key.pem')
  openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'key.pub.pem')
}

interface Manifest {
  readonly artifactType: string
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[]
  readonly subject: { readonly digest: string }
}

async function manifestOf({ registry }: Place, attestation = ''): Promise<Manifest> {
  const found = await registry.oracle.manifest('prod/api', attestation)
  return JSON.parse(found?.bytes.toString() ?? '') as Manifest
}

interface Statement {
  readonly subject: readonly { readonly digest: Readonly<Record<string, string>> }[]
  readonly predicateType: string
  readonly predicate: Readonly<Record<string, unknown>>
}

async function statementOf(at: Place, attestation = ''): Promise<Statement> {
  const { layers } = await manifestOf(at, attestation)
  const blob = await at.registry.oracle.get(`/v2/prod/api/blobs/${layers[0]?.digest}`)
  const body = JSON.parse(blob.body.toString()) as Statement & { dsseEnvelope?: { payload: string } }
  if (body.dsseEnvelope === undefined) return body
  return JSON.parse(Buffer.from(body.dsseEnvelope.payload, 'base64').toString()) as Statement
}

const isWrite = ({ method }: AccessEntry): boolean => method !== 'GET' && method !== 'HEAD'
const told = (requests: readonly AccessEntry[]): string =>
  requests.map((r) => `${r.status} ${r.method} ${r.path}`).join('\n')

describe('what is attested', () => {
  it.each([
    ['an environment with attest: true', { attest: true }, [], 1],
    ['an environment without it', {}, [], 0],
    ['--attest where the environment does not say so', {}, ['--attest'], 1],
    ['--no-attest where the environment says so', { attest: true }, ['--no-attest'], 0],
  ] as const)('with %s', async (_, said, words, count) => {
    const at = await place(said)
    expect(await at.here.run(...toProd('api:1.4.2', ...words))).toMatchObject({ code: 0 })
    expect(await at.attestations()).toHaveLength(count)
  })

  it('is the promotion: from where to where, which tags, by whom, why', async () => {
    const at = await place({ attest: true })
    const grounds = ['--reason', 'release 1.4.2', '--ticket', 'OPS-7', '--actor', 'ada']
    await at.here.run(...toProd('api:1.4.2', ...grounds))
    const [attestation] = await at.attestations()
    const { subject, predicateType, predicate } = await statementOf(at, attestation)
    expect(subject).toMatchObject([{ digest: { sha256: digest.slice(7) } }])
    expect(predicateType).toBe('urn:dray:promotion:v1')
    const { host } = at.registry
    expect(predicate).toMatchObject({
      srcRef: `${host}/staging/api:1.4.2@${digest}`,
      dstRef: `${host}/prod/api`,
      tags: ['1.4.2'],
      tagsBefore: { '1.4.2': null },
      actor: { says: 'ada' },
      reason: 'release 1.4.2',
      ticket: 'OPS-7',
      evidence: [sbom.root.digest],
    })
    const [line = ''] = (await readFile(at.here.auditFile, 'utf8')).split('\n')
    const { run, plan, policy } = JSON.parse(line) as Record<string, string>
    expect(predicate).toMatchObject({ run, plan, policy })
  })

  it('is no second run that changes nothing, and no run that only brings evidence', async () => {
    const at = await place({ attest: true })
    await at.here.run(...toProd('api:1.4.2'))
    at.registry.forget()
    expect(await at.here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    expect(told(at.registry.requests.filter(isWrite))).toBe('')
    const late = referrer(api, { payload: 'a later SBOM' })
    await at.registry.oracle.push(late, 'staging/api')
    expect(await at.here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    const listed = await at.attestations()
    expect(listed).toContain(late.root.digest)
    expect(listed).toHaveLength(2)
  })

  it('is no copy unless that is asked for', async () => {
    const at = await place({ attest: true })
    const copy = ['copy', '@staging/api:1.4.2', '@prod/api', '--yes']
    expect(await at.here.run(...copy)).toMatchObject({ code: 0 })
    expect(await at.attestations()).toEqual([])
    expect(await at.here.run(...copy, '--tag', 'again', '--attest')).toMatchObject({ code: 0 })
    expect(await at.attestations()).toHaveLength(1)
  })
})

describe('how it is attested', () => {
  it('is a plain statement without a key, and a signed bundle with one', async () => {
    const plain = await place({ attest: true })
    await plain.here.run(...toProd('api:1.4.2'))
    const [unsigned] = await plain.attestations()
    const signing = await place({ attest: true, sign: true })
    expect(await signing.here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    const [signed] = await signing.attestations()
    for (const [at, attestation, artifactType] of [
      [plain, unsigned, 'application/vnd.in-toto+json'],
      [signing, signed, 'application/vnd.dev.sigstore.bundle.v0.3+json'],
    ] as const) {
      const manifest = await manifestOf(at, attestation)
      expect(manifest).toMatchObject({ artifactType, subject: { digest } })
      expect(manifest.layers).toMatchObject([{ mediaType: artifactType, digest: manifest.config.digest }])
    }
  })

  it('is an error before anything is changed where the key is not there', async () => {
    const at = await place({ attest: true, sign: true })
    await writeFile(join(at.here.folder, 'key.pem'), 'no key')
    expect(await at.here.run(...toProd('api:1.4.2'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('key.pem'),
    })
    expect(told(at.registry.requests.filter(isWrite))).toBe('')
  })

  it.skipIf(!cosign.available).each(['oci-1.1', 'docker-registry-2.8'] as const)(
    `at %s with a key of openssl is accepted by cosign${cosign.note}`,
    async (profile) => {
      const at = await place({ attest: true, sign: true, profile })
      makeKey(at.here.folder)
      await at.here.run(...toProd('api:1.4.2'))
      const offline = ['--new-bundle-format', '--insecure-ignore-tlog', '--allow-http-registry']
      const type = ['--type', 'urn:dray:promotion:v1']
      const env = { PATH: process.env['PATH'], HOME: at.here.folder, NO_PROXY: '127.0.0.1' }
      const verify = ['verify-attestation', '--key', 'key.pub.pem', ...offline, ...type]
      // the registry is in this process: it has to be free to answer
      const said = await cosignSays(
        [...verify, `${at.registry.host}/prod/api@${digest}`],
        at.here.folder,
        env,
      )
      const { payload } = JSON.parse(said) as { payload: string }
      const [attestation] = await at.attestations()
      expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toEqual(
        await statementOf(at, attestation),
      )
    },
  )
})

async function cosignSays(
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return (await promisify(execFile)('cosign', words, { cwd, env, timeout: 20_000 })).stdout
}

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('an attestation at %s', (profile) => {
  it.each([
    ['with evidence, unsigned', content, false],
    ['with evidence, signed', content, true],
    ['without evidence, unsigned', api, false],
    ['without evidence, signed', api, true],
  ] as const)('costs at most nine requests beyond those of the promotion: %s', async (_, what, sign) => {
    const without = await place({ profile, image: what })
    const attested = await place({ profile, image: what, attest: true, sign })
    for (const { here } of [without, attested]) {
      expect(await here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    }
    const more = attested.registry.requests.length - without.registry.requests.length
    expect(more, told(attested.registry.requests)).toBeLessThanOrEqual(9)
    expect(more).toBeGreaterThan(0)
  })

  it('stands after the evidence and before any tag', async () => {
    const at = await place({ profile, attest: true })
    expect(await at.here.run(...toProd('api:1.4.2', '--tag', '1.4.2', '--tag', 'latest'))).toMatchObject({
      code: 0,
    })
    const [attestation] = await at.attestations()
    const puts = at.registry.requests
      .filter((r) => r.method === 'PUT' && r.kind === 'manifest')
      .map((r) => r.reference ?? '')
    const position = (name = ''): number => {
      expect(puts).toContain(name)
      return puts.lastIndexOf(name)
    }
    const fallback = digest.replace(':', '-')
    const last = profile === 'oci-1.1' ? position(attestation) : position(fallback)
    expect(position(sbom.root.digest)).toBeLessThan(position(attestation))
    expect(last).toBeLessThan(puts.indexOf('1.4.2'))
    expect(puts.indexOf('1.4.2')).toBeLessThan(puts.indexOf('latest'))
  })

  it('stands in a plan file, and the same plan writes it once however often it is applied', async () => {
    const at = await place({ profile, attest: true, sign: true })
    const saved = await at.here.run(
      'promote',
      'api:1.4.2',
      '--from',
      'staging',
      '--to',
      'prod',
      '--out',
      'plan.json',
    )
    expect(saved).toMatchObject({ code: 0 })
    const plan = await readFile(join(at.here.folder, 'plan.json'), 'utf8')
    const { steps } = JSON.parse(plan) as { steps: readonly { kind: string }[] }
    expect(steps.map(({ kind }) => kind)).toEqual(['copy', 'attach', 'attest', 'tag'])
    expect(await at.here.run('plan', 'show', 'plan.json')).toMatchObject({ code: 0 })
    expect(await at.here.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    const first = await at.attestations()
    expect(first).toHaveLength(1)
    at.registry.forget()
    expect(await at.here.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(told(at.registry.requests.filter(isWrite))).toBe('')
    expect(await at.attestations()).toEqual(first)
  })
})

describe('what an environment requires', () => {
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ['copy to a reference', ['copy', '@staging/api:1.4.2', 'HOST/prod/api', '--yes']],
    ['apply', ['apply', 'plan.json', '--yes']],
  ]

  it.each(ways)('is refused where it is not given, before anything is changed: %s', async (_, way) => {
    const at = await place({ attest: true, require: ['reason', 'ticket'] })
    const words = way.map((word) => word.replace('HOST', at.registry.host))
    await at.here.run('promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--out', 'plan.json')
    for (const given of [[], ['--reason', 'release'], ['--reason', 'release', '--ticket', ' ']]) {
      const missing = given.length === 0 ? 'reason' : 'ticket'
      const refused = await at.here.run(...words, ...given)
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`prod needs a ${missing}`) })
      expect(refused.stderr).toContain(`--${missing}`)
    }
    expect(told(at.registry.requests.filter(isWrite))).toBe('')
    expect(await at.here.run(...words, '--reason', 'release', '--ticket', 'OPS-7')).toMatchObject({ code: 0 })
    const lines = (await readFile(at.here.auditFile, 'utf8')).trimEnd().split('\n')
    const records = lines.map((line) => JSON.parse(line) as { readonly phase: string })
    const refusals = records.filter(({ phase }) => phase === 'refused')
    expect(refusals).toHaveLength(3)
    for (const one of refusals)
      expect(one).toMatchObject({ image: expect.any(String), error: { code: 'refused' } })
    const changes = records.filter(({ phase }) => phase !== 'refused')
    for (const one of changes) expect(one).toMatchObject({ reason: 'release', ticket: 'OPS-7' })
  })

  it('is not asked of a run that changes nothing, or only shows the plan', async () => {
    const at = await place({ require: ['reason'] })
    const look = await at.here.run('promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--dry-run')
    expect(look).toMatchObject({ code: 0 })
    await at.here.run(...toProd('api:1.4.2', '--reason', 'release'))
    expect(await at.here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
  })
})
